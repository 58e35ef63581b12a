import pg from 'pg';
import { afterEach, describe, expect } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { createPostgresStore } from '../../src/stores/postgres/index.ts';
import { createWorld, toBatch } from '../../src/testing/index.ts';
import { onPostgres, runSql } from '../postgres/cluster.ts';
import type { Hole, Relay } from './database-relay.ts';
import { openRelay } from './database-relay.ts';

// The network between store and database swallows everything, in one direction or in both, and later flows again.

const holes: readonly Hole[] = ['both', 'asked', 'answered'];
const waits = { connectMs: 1000, statementMs: 400, lockMs: 300, answerMs: 600 };
/** Twice connecting and twice an answer, and a busy machine. */
const boundMs = 2 * (waits.connectMs + waits.answerMs) + 3000;
const poolMax = 3;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let relay: Relay | null = null;
afterEach(async () => {
  await relay?.close();
  relay = null;
});

/** What came of calls that were made at once: their codes, and the longest wait. */
async function outcomes(calls: readonly (() => Promise<unknown>)[]): Promise<{ codes: Set<string>; ms: number }> {
  const since = performance.now();
  const codes = await Promise.all(
    calls.map((call) =>
      call().then(
        () => 'answered',
        (error: unknown) => String((error as { code?: unknown }).code),
      ),
    ),
  );
  return { codes: new Set(codes), ms: performance.now() - since };
}

/** Reads and writes of ten callers, more than the pool has connections. */
function load(store: Store): (() => Promise<unknown>)[] {
  const world = createWorld();
  return Array.from({ length: 10 }, (_each, index) => {
    const run = world
      .run()
      .step({ messages: ['a', 'b'] })
      .end();
    return index % 2 === 0
      ? () => store.importBatch(toBatch(run.entries))
      : () => store.listRuns('default', {}, { limit: 10 });
  });
}

async function until(look: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await look().catch(() => false)) return true;
    await pause(25);
  }
  return false;
}

describe('a network that swallows everything between store and database', () => {
  const { cluster, it } = onPostgres();

  async function open(url: string, answerMs: number) {
    relay = await openRelay(url);
    const { connectMs: connectionTimeoutMillis } = waits;
    const pool = new pg.Pool({ connectionString: relay.url, max: poolMax, connectionTimeoutMillis });
    const store = createPostgresStore({ pool, waits: { ...waits, answerMs } });
    await store.initialize();
    return { store, pool, way: relay };
  }

  for (const hole of holes)
    it(`(${hole}) costs a bounded wait and a clear code, leaks no connection, and is over when it flows`, async () => {
      const { url } = await cluster().createDatabase();
      const { store, pool, way } = await open(url, waits.answerMs);
      for (const call of load(store)) await call();
      way.hole(hole);
      const found = await outcomes(load(store));
      expect([...found.codes]).toEqual(['store-busy']);
      expect(found.ms).toBeLessThan(boundMs * Math.ceil(10 / poolMax));
      // The ring of an earlier write may still be under way.
      const isFree = async (): Promise<boolean> => pool.waitingCount + pool.totalCount - pool.idleCount === 0;
      expect(await until(isFree)).toBe(true);
      way.flow();
      expect(await until(async () => (await store.countRuns('default', {})) === 5)).toBe(true);
      const after = await outcomes(load(store));
      expect([...after.codes]).toEqual(['answered']);
      expect(pool.totalCount).toBeLessThanOrEqual(poolMax);
      await store.close();
      await pool.end();
    });

  it('leaves nobody waiting for a transaction that the server will never hear the end of', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const { store, pool, way } = await open(url, waits.answerMs);
    const run = createWorld().run();
    await store.importBatch(toBatch(run.take()));
    // Between the two round trips of an import: it has the locks of its run.
    way.cut({ side: 'answered', type: 'Z', at: 1, isHole: true });
    const next = toBatch(run.step().end().take());
    await expect(store.importBatch(next)).rejects.toMatchObject({ code: 'store-busy' });
    expect(way.wasCut()).toBe(true);
    const other = createPostgresStore({ url, waits });
    await other.initialize();
    const left = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE state = 'idle in transaction'`;
    expect(await until(async () => (await runSql(superUrl, left))[0]!['count'] === 0)).toBe(true);
    expect(await other.importBatch(next)).toMatchObject({ events: 3, duplicates: 0 });
    await other.close();
    await store.close();
    await pool.end();
  });

  it('is felt by whoever waits for ever: the check can fail', async () => {
    const { url } = await cluster().createDatabase();
    const { store, pool, way } = await open(url, 3_600_000);
    way.hole('both');
    const isOver = outcomes([() => store.countRuns('default', {})]).then(() => true);
    expect(await Promise.race([isOver, pause(boundMs).then(() => false)])).toBe(false);
    expect(pool.totalCount - pool.idleCount).toBe(1);
    await way.close();
    await isOver;
    await store.close();
    await pool.end();
  });
});
