// A server of the Model Context Protocol on stdio that knows how many people live in a town. What it handles is recorded
// into the home that TACHOGRAPH_HOME names.
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { openRecorder } from 'tachograph';
import { recordServer } from 'tachograph/mcp';
import { z } from 'zod';

const populations = new Map([
  ['bern', 137_000],
  ['oslo', 724_000],
  ['vienna', 2_028_000],
]);

function buildServer() {
  const server = new McpServer({ name: 'towns', version: '1.0.0' });
  server.registerTool(
    'population',
    { description: 'Number of people who live in a town', inputSchema: z.object({ town: z.string() }) },
    async ({ town }) => {
      const people = populations.get(town.toLowerCase());
      if (people === undefined) throw new Error(`no figures for ${town}`);
      return { content: [{ type: 'text', text: String(people) }] };
    },
  );
  return server;
}

const recorder = openRecorder();
serveStdio(() => recordServer(buildServer(), recorder));
process.stdin.once('end', () => void recorder.close());
