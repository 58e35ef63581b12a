import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it as plainIt } from 'vitest';
import { openRecorder } from '../../src/journal/index.ts';
import type { Annotation } from '../../src/core/store.ts';
import type { TeamServer } from '../end-to-end/team-server.ts';
import { startServer, until } from '../end-to-end/team-server.ts';
import { onPostgres } from '../postgres/cluster.ts';
import { openServerHome } from './database-load.ts';

// A server that is killed after it has committed and before its answer arrives. Whoever asked asks again, and there is one
// row, and the same answer.

/** A way to a server that swallows the answer to one request. */
interface Trap {
  readonly url: string;
  /** The answer to the next request whose head matches is swallowed, and `onAnswer` called. */
  set(head: RegExp, onAnswer: () => void): void;
  close(): Promise<void>;
}

async function openTrap(port: number): Promise<Trap> {
  const sockets = new Set<Socket>();
  let head: RegExp | null = null;
  let strike = (): void => undefined;
  const address = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const server = createServer((client) => {
    const up = new Socket();
    for (const socket of [client, up]) sockets.add(socket);
    up.connect(port, '127.0.0.1');
    let isCaught = false;
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      isCaught ||= head?.test(text) === true;
      // The server answers under its own address only.
      up.write(Buffer.from(text.replaceAll(address(), `127.0.0.1:${port}`), 'latin1'));
    });
    up.on('data', (bytes) => {
      if (!isCaught) return void client.write(bytes);
      head = null;
      strike();
      client.destroy();
    });
    for (const [one, other] of [
      [client, up],
      [up, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://${address()}`,
    set: (next, onAnswer) => void ([head, strike] = [next, onAnswer]),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

let folder: string;
let server: TeamServer | null = null;
let trap: Trap | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-answer-'));
});
afterEach(async () => {
  await trap?.close();
  server?.child.kill('SIGKILL');
  await server?.ended();
  [server, trap] = [null, null];
  rmSync(folder, { recursive: true, force: true });
});

const id = '018f0000-0000-7000-8000-00000000000a';

async function start(place: { home: string; database?: string; port: number }): Promise<void> {
  server = startServer(place);
  await server.url;
}

/** Annotates a run; the answer, or null when none came. */
async function annotate(url: string, runId: string, method: 'PUT' | 'POST'): Promise<Annotation | null> {
  const path = `/api/v1/runs/${runId}/annotations${method === 'PUT' ? `/${id}` : ''}`;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ kind: 'note', value: 'seen' }),
  }).catch(() => null);
  if (response === null) return null;
  expect(response.status).toBeLessThan(300);
  return (await response.json()) as Annotation;
}

interface Outcome {
  readonly events: number;
  readonly runs: number;
  readonly notes: number;
  readonly kills: number;
}

/** Records a run and annotates it; both answers are lost with the server, and both are asked for again. */
async function loseAnswers(of: { database: string | null; method: 'PUT' | 'POST' }): Promise<Outcome> {
  const home = join(folder, 'server');
  const place = { home, port: await freePort(), ...(of.database === null ? {} : { database: of.database }) };
  await start(place);
  trap = await openTrap(place.port);
  const { url } = trap;
  let kills = 0;
  const kill = (): void => {
    kills += 1;
    server!.child.kill('SIGKILL');
  };
  trap.set(/^POST \/api\/v1\/ingest/, kill);
  const recorder = openRecorder({ home: join(folder, 'recorder'), url });
  const run = recorder.startRun({ agentId: 'agent' });
  run.close({ endReason: 'ok' });
  await until(
    () => kills,
    (count) => count === 1,
  );
  await server!.ended();
  await start(place);
  expect(await recorder.flush({ to: 'server', timeoutMs: 20_000 })).toMatchObject({ state: 'server', lost: 0 });
  await recorder.close();
  await until(
    () => fetch(`${url}/api/v1/runs/${run.id}`).then(({ status }) => status),
    (status) => status === 200,
  );

  trap.set(new RegExp(`^${of.method} /api/v1/runs/`), kill);
  expect(await annotate(url, run.id, of.method)).toBeNull();
  await server!.ended();
  await start(place);
  const second = await annotate(url, run.id, of.method);
  const third = await annotate(url, run.id, 'PUT');
  if (of.method === 'PUT') expect({ ...third, updatedAtMs: 0 }).toEqual({ ...second, updatedAtMs: 0 });
  server!.child.kill('SIGTERM');
  await server!.ended();

  const opened = await openServerHome(home, of.database);
  try {
    await opened.indexer.catchUp();
    return {
      events: (await opened.store.getRun('default', run.id)).lastSeq,
      runs: await opened.store.countRuns('default', {}),
      notes: (await opened.store.listAnnotations('default', run.id)).length,
      kills,
    };
  } finally {
    await opened.close();
  }
}

describe('a server that is killed between commit and answer', () => {
  const { cluster, it } = onPostgres();

  it('gives the same result when it is asked again, and has one row (PostgreSQL)', async () => {
    const { url: database } = await cluster().createDatabase();
    expect(await loseAnswers({ database, method: 'PUT' })).toEqual({ events: 2, runs: 1, notes: 1, kills: 2 });
  });

  plainIt('and so with its own file', async () => {
    expect(await loseAnswers({ database: null, method: 'PUT' })).toEqual({ events: 2, runs: 1, notes: 1, kills: 2 });
  });

  plainIt('had committed: a caller without an id of its own makes another row', async () => {
    expect((await loseAnswers({ database: null, method: 'POST' })).notes).toBe(3);
  });
});
