// A travel desk on the OpenAI Agents SDK: it looks two towns up, asks another agent as a tool, hands over to a writer.
// The two lines that record it are marked.
//
//   OPENAI_API_KEY   the key; any text will do for a server that asks for none
//   OPENAI_BASE_URL  where the model is, default https://api.openai.com/v1
//   MODEL            default gpt-5-mini
//
// node agent.mjs "Which is larger, Bern or Oslo?"
import * as sdk from '@openai/agents';
import { openRecorder } from 'tachograph';
import { createFetchCapture } from 'tachograph/fetch';
import { installAgents } from 'tachograph/openai-agents';
import { z } from 'zod';

const recorder = openRecorder();
installAgents(recorder, { sdk }); // agents, model calls, tools, handoffs
createFetchCapture({ recorder }).install(); // and every HTTP try below the model calls

const { Agent, Runner, tool } = sdk;
const model = process.env.MODEL ?? 'gpt-5-mini';
const populations = new Map([
  ['bern', 137_000],
  ['oslo', 724_000],
]);

const population = tool({
  name: 'population',
  description: 'Number of people who live in a town',
  parameters: z.object({ town: z.string() }),
  execute: async ({ town }) => {
    const people = populations.get(town.toLowerCase());
    if (people === undefined) throw new Error(`no figures for ${town}`);
    return { town, people };
  },
});

const calculator = new Agent({ name: 'calculator', model, instructions: 'You compute. Answer with the figure alone.' });
const writer = new Agent({ name: 'writer', model, instructions: 'You answer the question in one sentence.' });
const desk = Agent.create({
  name: 'travel-desk',
  model,
  instructions: 'Look every figure up, have the calculator compute, then hand over to the writer.',
  tools: [population, calculator.asTool({ toolName: 'compute', toolDescription: 'Computes with two figures' })],
  handoffs: [writer],
});

try {
  const runner = new Runner({ workflowName: 'Compare towns' });
  const result = await runner.run(desk, process.argv[2] ?? 'Which is larger, Bern or Oslo, and by how much?');
  console.log(result.finalOutput);
} finally {
  await recorder.close();
}
