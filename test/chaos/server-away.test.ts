import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { TeamServer } from '../end-to-end/team-server.ts';
import { startServer, until } from '../end-to-end/team-server.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { residentBytes } from './database-load.ts';
import { toldLosses } from './told-losses.ts';

// A server that stays away from a recorder that has no disk to keep its records on: its memory is bounded, and what did not
// fit is counted in the record, to the event.

const isLong = process.env['TACHOGRAPH_CHAOS_ROUNDS'] !== undefined;
const awayMs = isLong ? 60_000 : 1000;
/** Events of 20 kB that are recorded at least while the server is away: 120 MB, where memory is looked at. */
const awayEvents = 6000;
/** Four times what the recorder keeps. */
const fewEvents = 1600;
const growthBytesMax = 96 * 1024 * 1024;
const workerFile = fileURLToPath(new URL('sink-worker.ts', import.meta.url));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

let place: TemporaryHome;
let server: TeamServer | null = null;
let worker: ChildProcess | null = null;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(async () => {
  worker?.kill('SIGKILL');
  server?.child.kill('SIGKILL');
  await server?.ended();
  [server, worker] = [null, null];
  place.remove();
});

/** What came of a run whose recorder could not reach its server for a while. */
interface Outcome {
  readonly status: string;
  /** The most memory that the recorder took for it. */
  readonly grownBytes: number;
  /** Events that are not in the record. */
  readonly missing: number;
  /** Events that the record says were lost. */
  readonly told: number;
}

/** Keeps the server away while a worker records. The server comes back unless it is only the memory that is looked at. */
async function stayAway(kind: 'bounded' | 'hoarding' | 'silent', least: number): Promise<Outcome> {
  const home = join(place.home, 'server');
  const port = await freePort();
  server = startServer({ home, port });
  const url = await server.url;
  const child = spawn(process.execPath, [workerFile, url, kind], { stdio: ['pipe', 'pipe', 'inherit'] });
  worker = child;
  let [events, runId] = [0, ''];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as { run?: string; events?: number };
    runId = said.run ?? runId;
    events = said.events ?? events;
  });
  await until(
    () => fetch(`${url}/api/v1/runs/${runId}`).then(({ status }) => status),
    (status) => status === 200,
  );
  server.child.kill('SIGKILL');
  await server.ended();
  const [before, from] = [residentBytes(child), events];
  let grownBytes = 0;
  for (const endMs = Date.now() + awayMs; Date.now() < endMs || events < from + least; await pause(20))
    grownBytes = Math.max(grownBytes, residentBytes(child) - before);
  if (kind === 'hoarding') return { status: '', grownBytes, missing: 0, told: 0 };
  server = startServer({ home, port });
  await server.url;
  const gone = once(child, 'exit');
  child.stdin.end();
  await gone;
  server.child.kill('SIGTERM');
  await server.ended();
  const opened = await openTachograph({ home });
  try {
    await opened.indexer.catchUp(60_000);
    const run = await opened.store.getRun('default', runId);
    const events = await opened.store.listEvents('default', runId);
    const own = events.filter(({ header }) => header.writerId === events[0]!.header.writerId);
    // By the numbers themselves: a run's own count of holes ends at 10,000.
    const missing = Math.max(...own.map(({ header }) => header.n)) - own.length;
    return { status: run.status, grownBytes, missing, told: await toldLosses(opened.store, runId) };
  } finally {
    await opened.close();
  }
}

describe(`a server that is away for ${awayMs / 1000} s or 120 MB`, { timeout: 240_000 }, () => {
  it('costs a recorder without a disk no more memory than it may take, and what it lost is counted', async () => {
    const { status, grownBytes, missing, told } = await stayAway('bounded', awayEvents);
    expect(status).toBe('completed');
    expect(grownBytes).toBeLessThan(growthBytesMax);
    expect(missing).toBeGreaterThan(awayEvents / 2);
    expect(told).toBe(missing);
  });

  it('costs one that keeps everything more: the check of memory can fail', async () => {
    expect((await stayAway('hoarding', awayEvents)).grownBytes).toBeGreaterThan(growthBytesMax);
  });

  it('leaves more missing than is told by one that does not count: the check of the gap can fail', async () => {
    const { missing, told } = await stayAway('silent', fewEvents);
    expect(missing).toBeGreaterThan(fewEvents / 2);
    expect(told).toBe(0);
  });
});
