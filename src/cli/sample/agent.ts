// The agent that fills an empty store: an ordinary program on the AI SDK that knows nothing of being recorded.
import process from 'node:process';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { mixtureOfAgents } from '../../capture/moa/index.ts';
import { createSupportDesk } from './support-desk.ts';

const openai = createOpenAI({
  baseURL: process.env['SAMPLE_BASE_URL'] ?? '',
  apiKey: process.env['SAMPLE_API_KEY'] ?? 'sample',
});
const model = openai.chat('sample-model');

const policy = tool({
  description: 'Reads a section of the shop policy.',
  inputSchema: z.object({ section: z.string() }),
  execute: async ({ section }) => ({
    section,
    text: 'Goods damaged in transit below 50 EUR are replaced; a return is not needed.',
  }),
});

const support = createSupportDesk({
  model,
  ledgerFile: process.env['SAMPLE_LEDGER'] ?? null,
  askPolicy: async (question) => {
    const { text } = await generateText({
      model,
      instructions: 'You are the policy-reader. Answer from the policy alone.',
      prompt: question,
      tools: { read_policy: policy },
      stopWhen: stepCountIs(4),
      telemetry: { functionId: 'policy-reader' },
    });
    return text;
  },
});

/** A customer's question, answered with tools, a sub-agent and, at first, a rate limit. */
async function answerCustomer(): Promise<void> {
  const { text } = await support.generate({ prompt: 'My lamp from order 4417 arrived broken. What now?' });
  process.stdout.write(`support-desk: ${text}\n`);
}

/** A decision on which three models advise, one of them in vain; the model that acts looks one thing up on the way. */
async function decide(): Promise<void> {
  const { text } = await generateText({
    model: mixtureOfAgents({
      name: 'second-opinion',
      references: ['careful-reader', 'kind-voice', 'price-watch'].map((name) => openai.chat(name)),
      aggregator: model,
    }),
    instructions: 'You are the shift-lead. Decide, in two sentences.',
    prompt: 'A lamp of 34.90 EUR arrived broken. Refund, replacement, or repair?',
    tools: {
      read_claim: tool({
        description: 'Reads what the carrier noted about a parcel.',
        inputSchema: z.object({ orderId: z.string() }),
        execute: async ({ orderId }) => ({ orderId, note: 'Opened and closed again in transit.' }),
      }),
    },
    stopWhen: stepCountIs(3),
    telemetry: { functionId: 'shift-lead' },
  });
  process.stdout.write(`shift-lead: ${text}\n`);
}

/** A letter whose reader leaves in the middle. */
async function writeLetter(): Promise<void> {
  const leaving = new AbortController();
  const { textStream } = streamText({
    model,
    instructions: 'You are the letter-writer. Be thorough.',
    prompt: 'Write to the customer about the broken lamp.',
    abortSignal: leaving.signal,
    onError: () => undefined,
    telemetry: { functionId: 'letter-writer' },
  });
  let words = 0;
  for await (const part of textStream) {
    words += part.trim() === '' ? 0 : 1;
    if (words === 12) leaving.abort();
  }
  process.stdout.write(`letter-writer: left after ${words} words\n`);
}

/** A request that the provider refuses. */
async function fileTicket(): Promise<void> {
  try {
    await generateText({
      model,
      instructions: 'You are the ticket-filer. File the whole conversation.',
      prompt: 'File everything we know about order 4417.',
      telemetry: { functionId: 'ticket-filer' },
    });
  } catch (error) {
    process.stdout.write(`ticket-filer: ${(error as Error).message}\n`);
  }
}

await answerCustomer();
await decide();
await writeLetter();
await fileTicket();
