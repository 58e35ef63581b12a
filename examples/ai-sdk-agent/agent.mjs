// A small agent on the Vercel AI SDK: it looks two towns up, compares them and answers. Nothing in it knows of
// Tachograph; `npx tachograph run -- node agent.mjs` records it all the same.
//
//   OPENAI_API_KEY   the key; any text will do for a server that asks for none
//   OPENAI_BASE_URL  where the model is, default https://api.openai.com/v1
//   MODEL            default gpt-5-mini
//
// node agent.mjs "Which is larger, Bern or Oslo, and by how much?"
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, tool } from 'ai';
import { z } from 'zod';

const populations = new Map([
  ['bern', 137_000],
  ['oslo', 724_000],
  ['vienna', 2_028_000],
]);

const tools = {
  population: tool({
    description: 'Number of people who live in a town',
    inputSchema: z.object({ town: z.string() }),
    execute: async ({ town }) => {
      const people = populations.get(town.toLowerCase());
      if (people === undefined) throw new Error(`no figures for ${town}`);
      return { town, people };
    },
  }),
  subtract: tool({
    description: 'The difference of two numbers',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    execute: async ({ a, b }) => a - b,
  }),
};

const openai = createOpenAI({
  apiKey: process.env.OPENAI_API_KEY ?? 'none',
  baseURL: process.env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
});

const question = process.argv[2] ?? 'Which is larger, Bern or Oslo, and by how much?';
const { text, steps } = await generateText({
  model: openai.chat(process.env.MODEL ?? 'gpt-5-mini'),
  instructions: 'You compare towns. Look every figure up and compute with the tools; answer in one sentence.',
  prompt: question,
  tools,
  stopWhen: isStepCount(8),
  telemetry: { functionId: 'town-agent' },
});

console.log(text);
console.error(`(${steps.length} steps)`);
