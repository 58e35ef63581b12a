// An agent on Mastra: it looks two towns up, has a second agent compare them, and answers. One call of `tachographConfig`
// records it; without `tachograph run` around the program, that call does nothing.
//
//   OPENAI_API_KEY   the key; any text will do for a server that asks for none
//   OPENAI_BASE_URL  where the model is, default https://api.openai.com/v1
//   MODEL            default gpt-5-mini
//
// npx tachograph run -- node agent.mjs "Which is larger, Bern or Oslo, and by how much?"
import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { createTool } from '@mastra/core/tools';
import { Observability } from '@mastra/observability';
import { tachographConfig } from 'tachograph/mastra';
import { z } from 'zod';

const model = {
  id: `openai/${process.env.MODEL ?? 'gpt-5-mini'}`,
  url: process.env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
  apiKey: process.env.OPENAI_API_KEY ?? 'none',
};

const populations = new Map([
  ['bern', 137_000],
  ['oslo', 724_000],
  ['vienna', 2_028_000],
]);

const population = createTool({
  id: 'population',
  description: 'Number of people who live in a town',
  inputSchema: z.object({ town: z.string() }),
  execute: async ({ town }) => {
    const people = populations.get(town.toLowerCase());
    if (people === undefined) throw new Error(`no figures for ${town}`);
    return { town, people };
  },
});

const comparer = new Agent({
  id: 'comparer',
  name: 'Comparer',
  description: 'Compares the figures that it is given',
  instructions: 'You compare the figures in the question. Answer in one sentence.',
  model,
});

const towns = new Agent({
  id: 'town-agent',
  name: 'Towns',
  instructions: 'You compare towns. Look every figure up, then have them compared.',
  model,
  tools: { population },
  agents: { comparer },
});

const mastra = new Mastra({
  agents: { towns, comparer },
  observability: new Observability({ configs: { tachograph: tachographConfig() } }),
  logger: false,
});

const question = process.argv[2] ?? 'Which is larger, Bern or Oslo, and by how much?';
const stream = await mastra.getAgent('towns').stream(question, { maxSteps: 8 });
for await (const words of stream.textStream) process.stdout.write(words);
process.stdout.write('\n');
await mastra.shutdown();
