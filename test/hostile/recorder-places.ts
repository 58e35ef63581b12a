import { ExactJson } from '../../src/core/record/recording.ts';
import type { AttemptRecorder, Recorder, RunRecorder, StepRecorder } from '../../src/core/record/recording.ts';
import type { Planter } from './secrets.ts';

/*
 * Every field of every public method of a recorder, each with a secret of its own. The name of a place is the path of
 * the field.
 */

/** A field deep enough that whatever it holds is recorded. */
const bodyMax = { charsMax: 50_000 };
const errorMax = { charsMax: 8192 };

function messagesWith({ plant }: Planter): unknown[] {
  return [
    { role: 'system', content: plant('message.system') },
    { role: 'user', content: plant('message.user') },
    { role: 'user', content: [{ type: 'text', text: plant('message.part') }], name: plant('message.name') },
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: `https://h.example/i?q=${plant('openai.image', { shape: 'url' })}` } },
        { type: 'file', file: { filename: plant('openai.filename'), file_data: 'data:text/plain;base64,aGk=' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      refusal: plant('openai.refusal'),
      tool_calls: [
        {
          id: plant('openai.call-id'),
          type: 'function',
          function: { name: plant('openai.call-name'), arguments: JSON.stringify({ q: plant('openai.arguments') }) },
        },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: plant('openai.tool-result') },
    { type: 'function_call_output', call_id: 'c1', output: plant('responses.output') },
    { type: 'reasoning', summary: [{ type: 'summary_text', text: plant('responses.reasoning') }] },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: plant('anthropic.thinking'), signature: plant('anthropic.signature') },
        { type: 'tool_use', id: 'u1', name: 'lookup', input: { q: plant('anthropic.input') } },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'u1', content: [{ type: 'text', text: plant('anthropic.result') }] },
        {
          type: 'document',
          title: plant('anthropic.title'),
          source: { type: 'text', data: plant('anthropic.document') },
        },
      ],
    },
    {
      role: 'model',
      parts: [
        { text: plant('google.text') },
        { functionCall: { name: 'f', args: { q: plant('google.arguments') } } },
        { functionResponse: { name: 'f', response: { out: plant('google.response') } } },
        { executableCode: { language: 'PYTHON', code: plant('google.code') } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: plant('sdk.reasoning') },
        { type: 'tool-call', toolCallId: 't1', toolName: 'f', input: { q: plant('sdk.input') } },
        { type: 'file', mediaType: 'text/plain', filename: plant('sdk.filename'), data: plant('sdk.file') },
      ],
      providerOptions: { x: { note: plant('sdk.provider-options') } },
    },
    {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 't1',
          toolName: 'f',
          output: { type: 'json', value: { a: plant('sdk.output') } },
        },
      ],
    },
    new ExactJson(`{"role":"user",  "content":${JSON.stringify(plant('message.exact'))}}`),
    plant('message.bare'),
    {
      role: 'user',
      content: plant('message.in-map'),
      extra: new Map([[plant('message.map-key'), plant('message.map-value')]]),
    },
    { role: 'user', [plant('message.key')]: true, set: new Set([plant('message.set')]) },
    { role: 'user', error: new Error(plant('message.error')), toJSON: undefined },
    { role: 'user', when: { toJSON: () => plant('message.to-json') } },
    {
      role: 'user',
      get content(): string {
        throw new Error('no reading');
      },
      beside: plant('message.beside-getter'),
    },
  ];
}

const chunk = (text: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;

/** A body of every kind, by content type. */
function bodiesWith(
  planter: Planter,
  side: string,
): { data: string | Uint8Array; contentType: string | null; truncated?: boolean }[] {
  const plant = (name: string, how: Parameters<Planter['plant']>[1] = bodyMax): string =>
    planter.plant(`${side}.body.${name}`, { ...bodyMax, ...how });
  const json = (name: string): string => JSON.stringify({ a: [{ note: plant(name) }] });
  const multipart = [
    `--b\r\nContent-Disposition: form-data; name="${plant('multipart.name', { shape: 'word', charsMax: 0 })}"\r\n\r\nx`,
    `--b\r\nContent-Disposition: form-data; name="f"; filename="${plant('multipart.filename', { shape: 'word', charsMax: 0 })}"\r\nContent-Type: text/plain\r\n\r\n${plant('multipart.text')}`,
    `--b\r\nContent-Disposition: form-data; name="j"\r\nContent-Type: application/json\r\n\r\n${json('multipart.json')}`,
    '--b--\r\n',
  ].join('\r\n');
  return [
    { data: json('json'), contentType: 'application/json' },
    { data: Buffer.from(json('json-bytes')), contentType: 'application/json; charset=utf-8' },
    { data: JSON.stringify({ [plant('json-key', { charsMax: 200 })]: 1 }), contentType: 'application/problem+json' },
    { data: `${json('json-cut')}x`.slice(0, -4), contentType: 'application/json', truncated: true },
    { data: `{"note": ${plant('no-json')}`, contentType: 'application/json' },
    { data: `{"a":1}\n${json('ndjson')}\n{"b":2}\n`, contentType: 'application/x-ndjson' },
    { data: `event: delta\n${chunk(plant('sse'))}data: [DONE]\n\n`, contentType: 'text/event-stream' },
    {
      data: `: ${plant('sse-comment', { shape: 'line' })}\nid: 1\ndata: ${plant('sse-text', { shape: 'line' })}\n\n`,
      contentType: 'text/event-stream',
    },
    { data: `a=1&note=${encodeURIComponent(plant('form'))}&b=2`, contentType: 'application/x-www-form-urlencoded' },
    { data: multipart, contentType: 'multipart/form-data; boundary=b' },
    { data: `<a><note>${plant('xml', { shape: 'line' })}</note></a>`, contentType: 'application/xml' },
    { data: plant('text'), contentType: 'text/plain' },
    { data: Buffer.from(plant('text-bytes')), contentType: 'text/html' },
    { data: plant('no-type'), contentType: null },
    { data: plant('other-type'), contentType: 'application/vnd.other' },
    { data: Buffer.from(plant('utf-16', { charsMax: 0 }), 'utf16le'), contentType: 'text/plain; charset=utf-16le' },
    { data: 'x', contentType: `text/plain; note=${plant('content-type', { shape: 'line', charsMax: 0 })}` },
  ];
}

function headersWith({ plant }: Planter, side: string): Record<string, string> {
  const line = { shape: 'line', charsMax: 512 } as const;
  return {
    'content-type': 'application/json',
    'x-note': plant(`${side}.header`, line),
    authorization: `Bearer ${plant(`${side}.header.authorization`, line)}`,
    cookie: `a=${plant(`${side}.header.cookie`, line)}`,
    location: `https://h.example/cb?note=${plant(`${side}.header.location`, { ...line, shape: 'url' })}`,
    [plant(`${side}.header.name`, { shape: 'word', charsMax: 0 })]: 'x',
  };
}

function failureWith({ plant }: Planter, place: string): Error {
  const root = new TypeError(plant(`${place}.cause.cause`, errorMax));
  const cause = new Error(plant(`${place}.cause`, errorMax), { cause: root });
  cause.name = plant(`${place}.cause.name`, { charsMax: 512 });
  const error = new Error(plant(`${place}.message`, errorMax), { cause });
  error.name = plant(`${place}.name`, { charsMax: 512 });
  return Object.assign(error, { code: plant(`${place}.code`, { charsMax: 512 }), statusCode: 500 });
}

function recordAttempts(step: StepRecorder, planter: Planter): void {
  const requests = bodiesWith(planter, 'request');
  const responses = bodiesWith(planter, 'response');
  let attempt: AttemptRecorder | null = null;
  for (const [at, body] of requests.entries()) {
    attempt = step.attempt({
      method: at === 0 ? planter.plant('request.method', { shape: 'word', charsMax: 0 }) : 'POST',
      url: `https://u:${planter.plant('request.user-info', { shape: 'word', charsMax: 0 }).replaceAll(/[/\s%?#@]/g, '')}@h.example/v1/x?note=${planter.plant('request.url', { shape: 'url', charsMax: 512 })}`,
      ...(at === 0 ? { headers: headersWith(planter, 'request') } : {}),
      body,
    });
    attempt.finish({
      status: 'failed',
      responseStatus: 500,
      ...(at === 0 ? { headers: headersWith(planter, 'response') } : {}),
      body: responses[at]!,
      error: failureWith(planter, 'attempt.error'),
      providerRequestId: planter.plant('attempt.request-id', { charsMax: 512 }),
      request: {
        url: `/v1/late?note=${planter.plant('late.url', { shape: 'url', charsMax: 512 })}`,
        headers: { 'x-late': planter.plant('late.header', { shape: 'line' }) },
      },
    });
  }
  const withheld = step.attempt({
    body: { data: null, contentType: null, withheld: planter.plant('body.withheld', { charsMax: 0 }) },
  });
  withheld.finish({ status: 'completed' });
  // The body of a conversation that goes on costs only what is new: the secret stands in what is new, and where it joins.
  const turn = (text: string): object => ({ role: 'user', content: text });
  const said = [turn('one '.repeat(200)), turn('two '.repeat(200)), turn('three '.repeat(200))];
  const growing = [
    said,
    [...said, turn(planter.plant('body.grown'))],
    [...said, turn('four'), turn(planter.plant('body.grown-again'))],
  ];
  for (const messages of growing)
    step
      .attempt({
        url: 'https://h.example/grow',
        body: { data: JSON.stringify({ model: 'm', messages }), contentType: 'application/json' },
      })
      .finish({ status: 'completed', responseStatus: 200 });
}

function recordModelStep(run: RunRecorder, planter: Planter): StepRecorder {
  const { plant } = planter;
  const messages = messagesWith(planter);
  const step = run.step({
    kind: 'model',
    operation: plant('step.operation', { charsMax: 512 }),
    name: plant('step.name'),
    provider: plant('step.provider'),
    model: plant('step.model'),
    messages,
    contextMarks: [{ index: 0, value: { note: plant('step.mark') } }],
    tools: [
      {
        name: plant('step.tool.name'),
        description: plant('step.tool.description'),
        inputSchema: {
          type: 'object',
          properties: { [plant('step.tool.key', { charsMax: 512 })]: { default: plant('step.tool.default') } },
        },
      },
    ],
    options: {
      stop: [plant('step.option')],
      [plant('step.option.key', { charsMax: 512 })]: 1,
      headers: { 'x-note': plant('step.option.header') },
    },
    callId: plant('step.call-id'),
    request: { input: [plant('step.request')] },
    metadata: { note: plant('step.metadata'), nested: { [Symbol('s') as unknown as string]: 1 } },
    historyTipMessageId: plant('step.tip'),
  });
  recordAttempts(step, planter);
  step.partial([
    { index: 0, type: 'text', text: `${plant('step.partial')} ${'and so on '.repeat(600)}` },
    {
      index: 1,
      type: 'tool-call',
      text: `{"q":${JSON.stringify(plant('step.partial.tool'))},"rest":"${'and so on '.repeat(600)}`,
    },
  ]);
  step.finish({
    status: 'completed',
    response: [
      { type: 'text', text: plant('step.response') },
      { type: 'tool-call', toolCallId: 'x', toolName: 'f', input: JSON.stringify({ q: plant('step.response.input') }) },
    ],
    result: { out: plant('step.result') },
    provider: plant('step.served-provider'),
    model: plant('step.served-model'),
    providerResponseId: plant('step.response-id'),
    finishReason: { unified: plant('step.finish'), raw: plant('step.finish.raw') },
    usageRaw: { note: plant('step.usage-raw') },
    usage: { input: { [plant('step.usage.key', { charsMax: 0 })]: 3 }, output: {}, requests: 1 } as never,
    cost: {
      nanoUsd: 1,
      status: plant('step.cost.status', { charsMax: 0 }),
      source: plant('step.cost.source', { charsMax: 0 }),
    } as never,
    error: failureWith(planter, 'step.error'),
    stream: { lastError: plant('step.stream', errorMax) } as never,
    metadata: { note: plant('step.end-metadata') },
    assistantMessageId: plant('step.message-id'),
  });
  return step;
}

function recordTools(run: RunRecorder, planter: Planter): void {
  const { plant } = planter;
  const start = {
    name: plant('tool.name'),
    args: { q: plant('tool.args') },
    callId: plant('tool.call-id'),
    metadata: { note: plant('tool.metadata') },
  };
  run.tool(start).succeed({ out: plant('tool.result') });
  run.tool({ name: 'text', args: plant('tool.args.text') }).succeed(plant('tool.result.text'));
  run.tool({ name: 'fails' }).fail(failureWith(planter, 'tool.error'));
  run.tool({ name: 'fails' }).fail(plant('tool.error.text', errorMax));
  run
    .tool({ name: 'fails' })
    .fail({ message: plant('tool.error.object', errorMax), lastError: plant('tool.error.last', errorMax) });
  run.tool({ name: 'fails' }).fail(Symbol(plant('tool.error.symbol', { charsMax: 0 })));
  run
    .tool({ name: 'file', args: new ExactJson(JSON.stringify([plant('tool.args.exact')])) })
    .finish({ status: 'completed', result: Buffer.from(plant('tool.result.bytes', { charsMax: 0 })) });
}

function observe(recorder: Recorder, planter: Planter): void {
  const { plant } = planter;
  const run = recorder.startRun({ agentId: 'observer' });
  run.onStep(1, {
    text: plant('observed.text'),
    reasoning: plant('observed.reasoning'),
    model: plant('observed.model'),
    provider: plant('observed.provider'),
    finishReason: plant('observed.finish'),
    toolCalls: [
      { id: plant('observed.call.id'), name: plant('observed.call.name'), args: { q: plant('observed.call.args') } },
    ],
  });
  run.onTool(
    { id: plant('observed.tool.id'), name: plant('observed.tool.name'), args: { q: plant('observed.tool.args') } },
    plant('observed.tool.result'),
  );
  run.onTool({ name: 'http_get', args: plant('observed.http.args') }, plant('observed.http.result'));
  run.close({ endReason: 'ok' });
}

/** Records runs with a secret in every field; gives the id of the one that holds most. */
export function recordEverywhere(recorder: Recorder, planter: Planter): string {
  const { plant } = planter;
  const short = { charsMax: 512 };
  const run = recorder.startRun({
    agentId: plant('run.agent', short),
    kind: plant('run.kind', short),
    callerId: plant('run.caller', short),
    channelId: plant('run.channel', short),
    sessionId: plant('run.session', short),
    endUserId: plant('run.end-user', short),
    name: plant('run.name', short),
    labels: { team: plant('run.label', short), [plant('run.label.key', short)]: 'x' },
    inputs: { q: plant('run.inputs'), [plant('run.inputs.key', short)]: 1 },
    capture: plant('run.capture', short),
    model: plant('run.model', short),
    traceId: plant('run.trace', short),
    spanId: plant('run.span', short),
    triggerMessageId: plant('run.trigger', short),
    historyTipMessageId: plant('run.tip', short),
    runId: plant('run.id', { charsMax: 0 }),
    source: plant('run.source', { charsMax: 0 }) as never,
    parent: {
      runId: plant('run.parent', { charsMax: 0 }),
      stepId: null,
      rootRunId: plant('run.root', { charsMax: 0 }),
    },
  });
  const step = recordModelStep(run, planter);
  step.actualCost({ nanoUsd: 1, source: plant('cost.source', { charsMax: 0 }) as never });
  recordTools(run, planter);
  run.log(plant('log.type', short), { note: plant('log.data'), [plant('log.key', short)]: [plant('log.list')] });
  run.log('text', plant('log.text'));
  run.error(plant('error.text', errorMax));
  run.error(failureWith(planter, 'error'));
  run.error(
    Object.defineProperty({}, 'message', {
      get: () => {
        throw new Error(plant('error.getter', { charsMax: 0 }));
      },
      enumerable: true,
    }),
  );
  run.step({ kind: 'phase', name: 'left open', messages: [plant('step.left-open')] });
  run.close({ endReason: 'error', output: { out: plant('run.output') }, error: failureWith(planter, 'run.error') });
  run.log('late', plant('log.late'));
  const plain = recorder.startRun({ agentId: 'plain', inputs: plant('run.inputs.text'), parent: run });
  plain.close({ endReason: 'ok', output: plant('run.output.text') });
  observe(recorder, planter);
  return run.id;
}
