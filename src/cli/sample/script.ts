/** What the scripted provider answers with: text, tool calls, or an error, after a wait. */
export interface ScriptedAnswer {
  readonly waitMs: number;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly args: object }[];
  readonly error?: { readonly message: string; readonly type: string; readonly code: string };
  readonly usage?: {
    readonly input: number;
    readonly cached: number;
    readonly output: number;
    readonly reasoning: number;
  };
  /** Milliseconds between two words of a stream. */
  readonly wordMs?: number;
}

const rateLimited: ScriptedAnswer = {
  waitMs: 60,
  status: 429,
  headers: { 'retry-after-ms': '450', 'x-ratelimit-remaining-requests': '0' },
  error: {
    message: 'Rate limit reached for requests. Try again in 450 ms.',
    type: 'requests',
    code: 'rate_limit_exceeded',
  },
};

/** Answers by agent, in the order of the requests it sends. */
export const scriptByAgent: Readonly<Record<string, readonly ScriptedAnswer[]>> = {
  'support-desk': [
    rateLimited,
    {
      waitMs: 620,
      calls: [
        { id: 'call_order', name: 'look_up_order', args: { orderId: '4417' } },
        { id: 'call_stock', name: 'check_stock', args: { sku: 'LAMP-02' } },
      ],
      usage: { input: 412, cached: 0, output: 58, reasoning: 24 },
    },
    {
      waitMs: 480,
      calls: [
        {
          id: 'call_policy',
          name: 'ask_policy',
          args: { question: 'May a lamp that arrived broken be replaced without sending it back?' },
        },
      ],
      usage: { input: 618, cached: 384, output: 44, reasoning: 12 },
    },
    {
      waitMs: 330,
      calls: [{ id: 'call_send', name: 'send_replacement', args: { orderId: '4417', sku: 'LAMP-02' } }],
      usage: { input: 730, cached: 512, output: 29, reasoning: 4 },
    },
    {
      waitMs: 350,
      text: 'I am sorry the lamp arrived broken. Order 4417 is covered: a replacement LAMP-02 leaves our store today, and you can keep or recycle the broken one. You will get the tracking number by e-mail within the hour.',
      usage: { input: 842, cached: 576, output: 71, reasoning: 8 },
      wordMs: 14,
    },
  ],
  'policy-reader': [
    {
      waitMs: 300,
      calls: [{ id: 'call_page', name: 'read_policy', args: { section: 'damaged-in-transit' } }],
      usage: { input: 205, cached: 0, output: 27, reasoning: 0 },
    },
    {
      waitMs: 410,
      text: 'Yes. Goods damaged in transit and worth less than 50 EUR are replaced without a return.',
      usage: { input: 344, cached: 192, output: 31, reasoning: 0 },
    },
  ],
  'careful-reader': [
    {
      waitMs: 310,
      text: 'Read what the carrier noted first. If the parcel was opened in transit, the claim is ours to make, not the customer’s.',
      usage: { input: 96, cached: 0, output: 31, reasoning: 0 },
    },
  ],
  'kind-voice': [
    {
      waitMs: 420,
      text: 'Say what happens next, and when. Do not ask for photographs: the lamp costs less than the postage.',
      usage: { input: 96, cached: 0, output: 27, reasoning: 0 },
    },
  ],
  'price-watch': [
    {
      waitMs: 90,
      status: 400,
      error: {
        message: 'The model price-watch has been retired.',
        type: 'invalid_request_error',
        code: 'model_retired',
      },
    },
  ],
  'shift-lead': [
    {
      waitMs: 340,
      calls: [{ id: 'call_claim', name: 'read_claim', args: { orderId: '4417' } }],
      usage: { input: 241, cached: 0, output: 22, reasoning: 6 },
    },
    {
      waitMs: 360,
      text: 'Replace it today and file the claim with the carrier ourselves. The customer keeps the broken lamp.',
      usage: { input: 288, cached: 192, output: 29, reasoning: 4 },
    },
  ],
  'letter-writer': [
    {
      waitMs: 180,
      text: 'Dear customer, thank you for writing to us about your lamp. We have looked into what happened on its way to you, and before we tell you what we found we would like to explain, at some length, how our parcels travel from the store to your door',
      wordMs: 35,
    },
  ],
  'ticket-filer': [
    {
      waitMs: 140,
      status: 400,
      error: {
        message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9120 tokens.",
        type: 'invalid_request_error',
        code: 'context_length_exceeded',
      },
    },
  ],
};
