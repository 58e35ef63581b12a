// A small agent on the Claude Agent SDK: it looks towns up, compares them and answers.
//
//   ANTHROPIC_API_KEY   the key
//   ANTHROPIC_BASE_URL  where the model is, default https://api.anthropic.com
//   TACHOGRAPH_HOME     where the record goes, default your data folder
//
// node agent.mjs "Which is larger, Bern or Oslo, and by how much?"
import { createSdkMcpServer, query, tool } from '@anthropic-ai/claude-agent-sdk';
import { openRecorder } from 'tachograph';
import { recordQuery } from 'tachograph/claude-agent';
import { z } from 'zod';

const populations = new Map([
  ['bern', 137_000],
  ['oslo', 724_000],
  ['vienna', 2_028_000],
]);

const population = tool('population', 'Number of people who live in a town', { town: z.string() }, async ({ town }) => {
  const people = populations.get(town.toLowerCase());
  if (people === undefined) throw new Error(`no figures for ${town}`);
  return { content: [{ type: 'text', text: String(people) }] };
});

const recorder = openRecorder();
const recordedQuery = recordQuery(query, recorder, { agentId: 'town-agent' });

const prompt = process.argv[2] ?? 'Which is larger, Bern or Oslo, and by how much?';
const messages = recordedQuery({
  prompt,
  options: {
    systemPrompt: 'You compare towns. Look every figure up; answer in one sentence.',
    mcpServers: { towns: createSdkMcpServer({ name: 'towns', version: '1.0.0', tools: [population] }) },
    allowedTools: ['mcp__towns__population'],
    tools: [],
    settingSources: [],
  },
});
try {
  for await (const message of messages) {
    if (message.type === 'result') console.log(message.subtype === 'success' ? message.result : message.subtype);
  }
} finally {
  await recorder.close();
}
