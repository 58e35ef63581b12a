import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import { tachograph } from '../end-to-end/command.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { onPostgres } from '../postgres/cluster.ts';
import { findDoubles } from './database-load.ts';

// Recorder and server are both killed, again and again; whoever checks has only the recorder's ledger.

const rounds = Number(process.env['TACHOGRAPH_CHAOS_ROUNDS'] ?? '3');
const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const workerFile = fileURLToPath(new URL('shipping-worker.ts', import.meta.url));
const seed = 20261121;

let place: TemporaryHome;
let ours: string;
let theirs: string;
let ledger: string;
/** The server's PostgreSQL; `null` for its own file. */
let database: string | null = null;
const children = new Set<ChildProcess>();

beforeEach(() => {
  place = createTemporaryHome();
  [ours, theirs, ledger] = [join(place.home, 'ours'), join(place.home, 'theirs'), join(place.home, 'ledger')];
  mkdirSync(ours);
});
afterEach(async () => {
  for (const child of children) await kill(child);
  place.remove();
});

/** Repeatable numbers between 0 and 1. */
function createRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.add(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startServer(port: number): Promise<ChildProcess> {
  const where = database === null ? [] : ['--database', database];
  const server = start([
    mainFile,
    'serve',
    '--home',
    theirs,
    '--port',
    String(port),
    '--no-sample',
    '--json',
    ...where,
  ]);
  await Promise.race([once(createInterface({ input: server.stdout! }), 'line'), once(server, 'exit')]);
  return server;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const acknowledged = (): string[] =>
  existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : [];

/** Kills recorders and servers in turn, then lets a last server and a last shipper put things in order. */
async function killBoth(count: number, isBuffered: boolean): Promise<void> {
  const random = createRandom(seed);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startWorker = (): ChildProcess => start([workerFile, ours, url, ledger, isBuffered ? '1' : '0']);
  let worker = startWorker();
  let server = await startServer(port);
  for (let round = 0; round < count; round += 1) {
    const before = acknowledged().length;
    while (acknowledged().length < before + 20) await pause(5);
    await pause(random() * 200);
    if (round % 2 === 0) {
      await kill(server);
      await pause(random() * 100);
      server = await startServer(port);
    } else {
      await kill(worker);
      worker = startWorker();
    }
  }
  await kill(worker);
  const shipped = await tachograph(ours, 'ship', '--url', url, '--json');
  expect([shipped.status, JSON.parse(shipped.out)]).toEqual([0, expect.objectContaining({ isAll: true, setAside: 0 })]);
  server.kill('SIGTERM');
  await once(server, 'exit');
  children.delete(server);
}

/** Runs of the ledger that the server does not have whole, and runs that it has twice over. */
async function check(): Promise<{ missing: number; events: number; faults: string[] }> {
  const opened = await openTachograph({ home: theirs, ...(database === null ? {} : { database }) });
  try {
    await opened.indexer.catchUp();
    let missing = 0;
    let events = 0;
    const faults: string[] = [];
    for (const runId of acknowledged()) {
      const run = await opened.store.getRun('default', runId).catch(() => null);
      if (run === null || run.status !== 'completed') {
        missing += 1;
        continue;
      }
      events += run.lastSeq;
      const doubles = await findDoubles(opened.store, run);
      if (doubles !== null) faults.push(doubles);
    }
    const sample = acknowledged().filter((_id, at) => at % 10 === 0);
    for (const runId of sample) {
      const { intact } = await opened.verify(runId).catch(() => ({ intact: { verdict: 'missing' } }));
      if (intact.verdict !== 'intact' && missing === 0) faults.push(`${runId}: ${intact.verdict}`);
    }
    return { missing, events, faults };
  } finally {
    await opened.close();
  }
}

describe('kill -9 of recorder and server while records are sent', () => {
  const { cluster, it: itOnPostgres } = onPostgres();
  const timeout = Math.max(120_000, rounds * 20_000);

  async function loseNothing(): Promise<void> {
    await killBoth(rounds * 2, false);
    const { missing, faults } = await check();
    expect(acknowledged().length).toBeGreaterThan(rounds * 20);
    expect({ missing, faults }).toEqual({ missing: 0, faults: [] });
  }

  it(`in ${rounds * 2} rounds loses nothing that was acknowledged, and has nothing twice`, { timeout }, loseNothing);

  itOnPostgres(`and neither in as many with a server on PostgreSQL`, async () => {
    ({ url: database } = await cluster().createDatabase());
    try {
      await loseNothing();
    } finally {
      database = null;
    }
  });

  it('loses runs when the journal is buffered: the check can fail', { timeout: 120_000 }, async () => {
    await killBoth(4, true);
    expect((await check()).missing).toBeGreaterThan(0);
  });
});
