import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../../test/postgres/cluster.ts';
import { createWorkWorld, memoOf, type WorkWorld } from '../../../testing/work/work-world.ts';
import type { PostgresClient, PostgresPool } from '../driver/pool.ts';
import { createPostgresStore } from '../index.ts';

const tables = [
  'work',
  'work_keys',
  'work_orders',
  'work_entries',
  'work_memos',
  'work_signals',
  'runs',
  'event_packs',
];

const actByName: Record<string, (world: WorkWorld) => Promise<unknown>> = {
  create: async (world) => {
    await world.work.create('default', [await world.creation({ idempotencyKey: 'new' }), await world.creation({})]);
  },
  claim: (world) => world.claim({ limit: 3, projectRunsMax: 9, runsMaxByAgent: { agent: 9 } }),
  change: async (world) => {
    const { items } = await world.work.list('default', { states: ['running'] }, {});
    const ends = await Promise.all(items.map((row) => world.end(row, 'error')));
    await world.work.change(
      'default',
      ends.map((end) => ({ ...end, memos: [memoOf(end.runId)] })),
    );
  },
  file: (world) => world.work.file('default'),
};

describe('a round trip to PostgreSQL that fails', () => {
  const { cluster, it } = onPostgres();

  for (const [name, act] of Object.entries(actByName))
    for (const isHeard of [false, true])
      it(`leaves all or nothing of it: ${name}, ${isHeard ? 'its answer lost' : 'not heard'}`, async () => {
        const { url, superUrl } = await cluster().createDatabase();
        const state = { left: Infinity };
        const inner = new pg.Pool({ connectionString: url, max: 4 }) as unknown as PostgresPool;
        const wrapped = new WeakMap<PostgresClient, PostgresClient>();
        const toWrapped = (client: PostgresClient): PostgresClient =>
          new Proxy(client, {
            get(target, key) {
              const own: unknown = Reflect.get(target, key);
              if (key !== 'query') return typeof own === 'function' ? own.bind(target) : own;
              return (exchange: { handleReadyForQuery: () => void; handleError: (error: unknown) => void }) => {
                if ((state.left -= 1) !== -1) return target.query(exchange);
                const fault = Object.assign(new Error('fault'), { code: 'XX000' });
                if (!isHeard) throw fault;
                const ready = exchange.handleReadyForQuery;
                exchange.handleReadyForQuery = () => {
                  exchange.handleError(fault);
                  ready.call(exchange);
                };
                return target.query(exchange);
              };
            },
          });
        const wrap = (client: PostgresClient): PostgresClient => {
          if (!wrapped.has(client)) wrapped.set(client, toWrapped(client));
          return wrapped.get(client)!;
        };
        const pool = {
          ...inner,
          on: inner.on.bind(inner),
          end: () => inner.end(),
          connect: async () => wrap(await inner.connect()),
        };
        const store = createPostgresStore({ pool: pool as PostgresPool, idleMs: 60_000 });
        await store.initialize();
        const world = createWorkWorld(store);
        await world.create(6, { isRedrivable: true });
        await world.claim({ limit: 2 });
        if (name !== 'file') await world.work.file('default');
        // What files by itself must not be what fails.
        await new Promise((resolve) => setTimeout(resolve, 100));
        const readAll = async () =>
          JSON.stringify(
            await Promise.all(
              tables.map((table) => runSql(superUrl, `SELECT * FROM tachograph.${table} ORDER BY 1, 2, 3`)),
            ),
          );
        const before = await readAll();
        let faults = 0;
        let isDone = false;
        for (; !isDone && faults < 30; faults += 1) {
          state.left = faults;
          isDone = await act(world).then(
            () => true,
            () => false,
          );
          isDone &&= state.left >= 0;
          state.left = Infinity;
          const now = await readAll();
          if (!isDone && now === before) continue;
          // Either the last round trip was done and only its answer was lost, or it came through: then all of it is there.
          const [row] = await runSql(
            superUrl,
            `SELECT (SELECT count(*)::int FROM tachograph.work WHERE state = 'failed') AS failed, (SELECT count(*)::int FROM tachograph.work_memos) AS memos,
               (SELECT count(*)::int FROM tachograph.work WHERE state = 'running') AS running, (SELECT count(*)::int FROM tachograph.work) AS runs,
               (SELECT count(*)::int FROM tachograph.work_keys) AS keys, (SELECT count(*)::int FROM tachograph.work_orders) AS orders`,
          );
          const whole = {
            create: { failed: 0, memos: 0, running: 2, runs: 8, keys: 1, orders: 8 },
            claim: { failed: 0, memos: 0, running: 5, runs: 6, keys: 0, orders: 6 },
            change: { failed: 2, memos: 2, running: 0, runs: 6, keys: 0, orders: 6 },
            file: { failed: 0, memos: 0, running: 2, runs: 6, keys: 0, orders: 6 },
          }[name];
          expect(row).toEqual(whole);
          isDone = true;
        }
        expect(isDone).toBe(true);
        // What waits may have been filed by itself meanwhile.
        if (!isHeard && name !== 'file') expect(faults).toBeGreaterThan(1);
        await world.work.file('default');
        for (const { runId } of (await world.work.list('default', {}, {})).items)
          expect(await store.rebuildRun('default', runId)).toEqual([]);
        await store.close();
        await inner.end();
      });
});
