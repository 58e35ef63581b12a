import { createOpenAI } from '@ai-sdk/openai';
import type { ModelMessage, Telemetry } from 'ai';
import { generateText, stepCountIs, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { z } from 'zod';

/** One kind of call. */
export interface Scenario {
  readonly name: string;
  /** Calls of one turn. */
  readonly calls: number;
  call(telemetry: Telemetry | null): Promise<unknown>;
}

type Answers = ConstructorParameters<typeof MockLanguageModelV4>[0];

const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};

/** Answers with a tool call unless the last message is a tool's result. */
const mockModel = new MockLanguageModelV4({
  doGenerate: async ({ prompt, tools }) => {
    const isAsked = tools === undefined || tools.length === 0 || prompt.at(-1)?.role === 'tool';
    return {
      content: isAsked
        ? [{ type: 'text', text: 'done' }]
        : [{ type: 'tool-call', toolCallId: 'c', toolName: 'add', input: '{"a":1}' }],
      finishReason: { unified: isAsked ? 'stop' : 'tool-calls', raw: undefined },
      usage,
      warnings: [],
    };
  },
} as Answers);

const tools = { add: tool({ inputSchema: z.object({ a: z.number() }), execute: async ({ a }) => a + 1 }) };

let serial = 0;
/** Text of this many bytes that never occurred before. */
function fresh(bytes: number): string {
  serial += 1;
  return `${serial} ${'All work and no play makes a plain text. '.repeat(Math.ceil(bytes / 41))}`.slice(0, bytes);
}

function conversation(messages: number, bytes: number): ModelMessage[] {
  return Array.from(
    { length: messages },
    (_unused, index) =>
      ({ role: index % 2 === 0 ? 'user' : 'assistant', content: fresh(bytes / messages) }) as ModelMessage,
  );
}

const asked = (telemetry: Telemetry | null): object => ({
  telemetry: telemetry === null ? { isEnabled: false } : { integrations: [telemetry] },
});

/** The scenarios: small and large contexts, first seen and known, without and with a real client over HTTP. */
export function createScenarios(providerUrl: string): Scenario[] {
  const known = conversation(99, 200_000);
  const openai = createOpenAI({ baseURL: `${providerUrl}/v1`, apiKey: 'none' });
  const generate = (telemetry: Telemetry | null, options: object): Promise<unknown> =>
    generateText({ model: mockModel, maxRetries: 0, ...asked(telemetry), ...options } as unknown as Parameters<
      typeof generateText
    >[0]);
  const twoSteps = { tools, stopWhen: stepCountIs(2) };
  const question = (): ModelMessage => ({ role: 'user', content: fresh(200) });
  return [
    { name: '1 kB prompt, 1 step', calls: 200, call: (telemetry) => generate(telemetry, { prompt: fresh(1000) }) },
    {
      name: '20 kB prompt, 2 steps',
      calls: 80,
      call: (telemetry) => generate(telemetry, { prompt: fresh(20_000), ...twoSteps }),
    },
    {
      name: '200 kB in 100 messages, known, 2 steps',
      calls: 30,
      call: (telemetry) => generate(telemetry, { messages: [...known, question()], ...twoSteps }),
    },
    {
      name: '200 kB in 100 messages, first seen, 2 steps',
      calls: 20,
      call: (telemetry) => generate(telemetry, { messages: conversation(99, 200_000).concat(question()), ...twoSteps }),
    },
    {
      name: '200 kB in 100 messages, known, 2 steps, real client over HTTP',
      calls: 20,
      call: (telemetry) =>
        generate(telemetry, { model: openai.chat('m'), messages: [...known, question()], ...twoSteps }),
    },
  ];
}
