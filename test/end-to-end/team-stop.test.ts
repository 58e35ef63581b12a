import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it as plainIt } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import { openRecorder } from '../../src/journal/index.ts';
import { onPostgres } from '../postgres/cluster.ts';
import type { TeamServer } from './team-server.ts';
import { runTeamCommand, startServer, teamSecret, until } from './team-server.ts';

// SIGTERM under load: records come in, pages watch, and the server leaves in time with all that it acknowledged.

const recorders = 4;
const leaveMs = 10_000;

let folder: string;
const servers: TeamServer[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-stop-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server.child.exitCode === null && server.child.signalCode === null) server.child.kill('SIGKILL');
    await server.ended();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function serve(options: Parameters<typeof startServer>[0]): TeamServer {
  const server = startServer(options);
  servers.push(server);
  return server;
}

const has = (server: TeamServer, event: string) => server.log.some((line) => line['event'] === event);

/** Records as fast as the server acknowledges, into a ledger, until told to stop. */
function load(url: string, key: string | undefined): { ledger: string[]; stop(): Promise<void> } {
  const ledger: string[] = [];
  let isOver = false;
  const work = async (name: string): Promise<void> => {
    const recorder = openRecorder({ home: join(folder, name), url, ...(key === undefined ? {} : { key }) });
    while (!isOver) {
      const run = recorder.startRun({ agentId: 'load' });
      run.log('said', { words: 'x'.repeat(2000) });
      run.close({ endReason: 'ok' });
      const receipt = await recorder.flush({ to: 'server', timeoutMs: 500 });
      if (receipt.state === 'server' && receipt.lost === 0) ledger.push(run.id);
    }
    await recorder.close();
  };
  const all = Array.from({ length: recorders }, (_each, index) => work(`recorder-${url.split(':').at(-1)}-${index}`));
  return {
    ledger,
    async stop() {
      isOver = true;
      await Promise.all(all);
    },
  };
}

/** Watches the list of runs until the stream ends; how many bytes came, and whether it ended well. */
async function watch(url: string, key: string | undefined): Promise<number> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/api/v1/runs/stream`, { headers });
  let bytes = 0;
  for await (const chunk of response.body!) bytes += (chunk as Uint8Array).byteLength;
  return bytes;
}

async function checkStop(place: { home: string; database?: string }): Promise<void> {
  const made = await runTeamCommand(place, 'keys', 'create', '--name', 'all', '--scope', 'admin');
  const key = made.out.trim();
  const server = serve(place);
  const url = await server.url;
  const streams = Array.from({ length: 5 }, () => watch(url, key));
  const { ledger, stop } = load(url, key);
  await until(
    () => ledger.length,
    (count) => count >= 40,
  );
  server.child.kill('SIGTERM');
  const { status, ms } = await server.ended();
  await stop();
  expect(status).toBe(0);
  expect(ms).toBeLessThan(leaveMs);
  expect(has(server, 'server-stopped')).toBe(true);
  // Streams are ended, not cut: reading them to the end throws nothing.
  for (const bytes of await Promise.all(streams)) expect(bytes).toBeGreaterThan(0);

  const opened = await openTachograph({
    home: place.home,
    variables: { TACHOGRAPH_SECRET: teamSecret, TACHOGRAPH_DATABASE_URL: place.database ?? '' },
  });
  try {
    await opened.indexer.catchUp();
    const missing = [];
    for (const runId of ledger)
      if ((await opened.store.findRunIds('default', runId, 1)).length === 0) missing.push(runId);
    expect({ acknowledged: ledger.length >= 40, missing }).toEqual({ acknowledged: true, missing: [] });
  } finally {
    await opened.close();
  }
}

describe('SIGTERM', () => {
  const { cluster, it } = onPostgres();

  it('ends a server on PostgreSQL in time, with status 0 and all it acknowledged', async () => {
    const { url } = await cluster().createDatabase();
    await checkStop({ home: join(folder, 'on-postgres'), database: url });
  });

  plainIt('ends a server on its own file alike', async () => {
    await checkStop({ home: join(folder, 'on-sqlite') });
  });

  plainIt('waits for a request under way, and not when it comes twice', async () => {
    const server = serve({ home: join(folder, 'twice') });
    const { port } = new URL(await server.url);
    const half = request({
      port,
      method: 'POST',
      path: '/api/v1/ingest',
      headers: { 'content-type': 'application/vnd.tachograph.journal', 'content-length': '1000' },
    });
    half.on('error', () => undefined);
    half.write('x');
    // The server has the head of it once it answers something that came later.
    await fetch(`${await server.url}/healthz`);
    server.child.kill('SIGTERM');
    await until(
      () => has(server, 'server-stopping'),
      (isThere) => isThere,
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(server.child.exitCode).toBeNull();
    server.child.kill('SIGTERM');
    const { status, ms } = await server.ended();
    expect(status).toBe(143);
    expect(ms).toBeLessThan(2000);
  });
});
