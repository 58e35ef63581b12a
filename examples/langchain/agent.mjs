// A small agent on LangGraph: it looks two towns up, compares them and answers. Nothing in it knows of Tachograph;
// `npx tachograph run -- node agent.mjs` records it all the same. With a handler of one's own: recorded.mjs.
//
//   OPENAI_API_KEY   the key; any text will do for a server that asks for none
//   OPENAI_BASE_URL  where the model is, default https://api.openai.com/v1
//   MODEL            default gpt-5-mini
//
// node agent.mjs "Which is larger, Bern or Oslo, and by how much?"
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tool } from '@langchain/core/tools';
import { MemorySaver } from '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

const populations = new Map([
  ['bern', 137_000],
  ['oslo', 724_000],
  ['vienna', 2_028_000],
]);

const population = tool(
  ({ town }) => {
    const people = populations.get(town.toLowerCase());
    if (people === undefined) throw new Error(`no figures for ${town}`);
    return { town, people };
  },
  {
    name: 'population',
    description: 'Number of people who live in a town',
    schema: z.object({ town: z.string() }),
  },
);

const subtract = tool(({ a, b }) => String(a - b), {
  name: 'subtract',
  description: 'The difference of two numbers',
  schema: z.object({ a: z.number(), b: z.number() }),
});

const agent = createReactAgent({
  name: 'town-graph',
  llm: new ChatOpenAI({
    model: process.env.MODEL ?? 'gpt-5-mini',
    apiKey: process.env.OPENAI_API_KEY ?? 'none',
    configuration: { baseURL: process.env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1' },
  }),
  tools: [population, subtract],
  prompt: 'You compare towns. Look every figure up and compute with the tools; answer in one sentence.',
  checkpointer: new MemorySaver(),
});

/** Asks the agent; `callbacks` are LangChain's own. */
export async function ask(question, callbacks = []) {
  const { messages } = await agent.invoke(
    { messages: [{ role: 'user', content: question }] },
    { callbacks, configurable: { thread_id: 'towns' } },
  );
  return messages.at(-1).text;
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  console.log(await ask(process.argv[2] ?? 'Which is larger, Bern or Oslo, and by how much?'));
