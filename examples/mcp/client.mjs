// A small agent that asks an MCP server about towns, each call a step of its run. It starts the server itself.
//
// node client.mjs Bern Oslo Atlantis
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { openRecorder } from 'tachograph';
import { recordTransport } from 'tachograph/mcp';

const recorder = openRecorder();
const client = new Client({ name: 'town-agent', version: '1.0.0' });
const transport = new StdioClientTransport({
  command: process.execPath,
  args: [fileURLToPath(new URL('server.mjs', import.meta.url))],
  // The transport hands a server little of the environment; it is to record into the same home.
  env: process.env,
});

const towns = process.argv.slice(2);
await recorder.run({ agentId: 'town-agent', inputs: { towns } }, async (run) => {
  await client.connect(recordTransport(transport, recorder));
  await client.listTools();
  // The server's run then carries this run's trace id.
  const traceparent = `00-${run.ref().traceId}-${randomBytes(8).toString('hex')}-01`;
  const answers = await Promise.all(
    towns.map((town) => client.callTool({ name: 'population', arguments: { town }, _meta: { traceparent } })),
  );
  const people = answers.map(({ content: [first], isError }) => (isError ? null : Number(first.text)));
  for (const [index, town] of towns.entries()) console.log(`${town}: ${people[index] ?? 'unknown'}`);
  await client.close();
  return Object.fromEntries(towns.map((town, index) => [town, people[index]]));
});
await recorder.close();
