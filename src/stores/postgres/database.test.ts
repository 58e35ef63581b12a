import { createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../test/postgres/cluster.ts';
import type { Store } from '../../core/store.ts';
import { createWorld, toBatch } from '../../testing/index.ts';
import { createPostgresStore } from './index.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const tries = async <T>(fn: () => Promise<T>): Promise<T> => {
  for (let count = 0; ; count += 1) {
    try {
      return await fn();
    } catch (error) {
      if (count > 200) throw error;
      await pause(20);
    }
  }
};

const record = async (store: Store) => {
  const run = createWorld().run().step().end();
  return store.importBatch(toBatch(run.entries));
};

/** A way to the server that can be cut without either side hearing of it. */
async function openRelay(url: string): Promise<{ url: string; hole(): void; close(): Promise<void> }> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let isHole = false;
  const server: Server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    if (isHole) return;
    const up = new pg.Connection({}).stream as Socket;
    up.connect(Number(target.port), target.hostname);
    sockets.add(up);
    up.on('error', () => client.destroy());
    client.on('data', (bytes) => isHole || up.write(bytes));
    up.on('data', (bytes) => isHole || client.write(bytes));
    client.on('close', () => up.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relayed = new URL(url);
  relayed.port = String((server.address() as { port: number }).port);
  return {
    url: relayed.href,
    hole: () => void (isHole = true),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

describe('PostgreSQL under faults', () => {
  const { cluster, it } = onPostgres();

  it('gives every connection back, whatever fails', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    const store = createPostgresStore({ pool, idleMs: 0 });
    await store.initialize();
    await record(store);
    const failing = [
      () => store.getRun('default', 'nobody'),
      () => store.eraseRun('default', 'nobody'),
      () => store.rebuildRun('default', 'nobody'),
      () => store.listRuns('default', {}, { cursor: 'x' }),
      () => store.importBatch({ projectId: 'default', entries: [{ epoch: 1 } as never], position: null }),
      () =>
        store.purge({
          projectId: 'default',
          beforeMs: 9e15,
          limit: 1,
          isKept: () => {
            throw new Error('mine');
          },
        }),
      () => store.importBatch(toBatch([], '')),
    ];
    for (const fail of failing) {
      await expect(fail()).rejects.toThrow();
      // The ring of an earlier write may still be under way.
      await tries(async () => expect([pool.idleCount, pool.waitingCount]).toEqual([pool.totalCount, 0]));
    }
    expect(pool.totalCount).toBeLessThanOrEqual(2);
    const open = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`;
    expect(await runSql(superUrl, open)).toEqual([{ count: 0 }]);
    expect((await record(store)).duplicates).toBe(4);
    await store.close();
    await pool.end();
  });

  it('is busy while the server is dead and works again without a restart', async () => {
    const { url } = await cluster().createDatabase();
    const store = createPostgresStore({ url, poolMax: 3 });
    await store.initialize();
    await record(store);
    await cluster().kill();
    await expect(store.listRuns('default', {}, {})).rejects.toMatchObject({ code: 'store-busy' });
    await expect(record(store)).rejects.toMatchObject({ code: 'store-busy' });
    await cluster().start();
    expect((await tries(() => store.listRuns('default', {}, {}))).items.length).toBe(1);
    expect((await record(store)).duplicates).toBe(4);
    await store.close();
  });

  it('loses and doubles nothing when connections are ended under it', async () => {
    const { url, superUrl, name } = await cluster().createDatabase();
    const store = createPostgresStore({ url, poolMax: 4, idleMs: 10 });
    await store.initialize();
    const world = createWorld();
    const runs = Array.from({ length: 30 }, () =>
      world
        .run()
        .step({ messages: ['same', 'words'] })
        .end(),
    );
    let isDone = false;
    const killing = (async () => {
      for (; !isDone; await pause(60))
        await runSql(
          superUrl,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND usename = 'tachograph_app'`,
        );
    })();
    for (const run of runs) for (const entry of run.entries) await tries(() => store.importBatch(toBatch([entry])));
    isDone = true;
    await killing;
    for (const run of runs) {
      expect((await tries(() => store.listEvents('default', run.id))).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      expect(await store.rebuildRun('default', run.id)).toEqual([]);
    }
    await store.close();
  });

  it('waits a bounded time when the network swallows everything', async () => {
    const { url } = await cluster().createDatabase();
    const relay = await openRelay(url);
    const pool = new pg.Pool({ connectionString: relay.url, max: 2, connectionTimeoutMillis: 300 });
    const store = createPostgresStore({ pool, waits: { statementMs: 200, answerMs: 300 } });
    await store.initialize();
    await record(store);
    relay.hole();
    await expect(store.listRuns('default', {}, {})).rejects.toMatchObject({ code: 'store-busy' });
    await expect(record(store)).rejects.toMatchObject({ code: 'store-busy' });
    expect(pool.waitingCount).toBe(0);
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await store.close();
    await relay.close();
    await pool.end();
  });

  it('ends a statement that takes too long, and a wait for a lock', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url, waits: { statementMs: 400, lockMs: 100 } });
    await store.initialize();
    await record(store);
    const blocker = new pg.Client({ connectionString: superUrl });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE tachograph.runs IN ACCESS EXCLUSIVE MODE');
    await expect(store.listRuns('default', {}, {})).rejects.toMatchObject({ code: 'store-busy' });
    await blocker.query('ROLLBACK');
    await blocker.end();
    expect((await store.listRuns('default', {}, {})).items.length).toBe(1);
    await store.close();
  });

  it('says that it is closed', async () => {
    const { url } = await cluster().createDatabase();
    const store = createPostgresStore({ url });
    await expect(store.listProjects()).rejects.toMatchObject({ code: 'store-closed' });
    await store.initialize();
    await store.close();
    await store.close();
    await expect(record(store)).rejects.toMatchObject({ code: 'store-closed' });
  });
});
