import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../test/postgres/cluster.ts';
import { systemClock } from '../../core/clock.ts';
import type { SealHead } from '../../core/record/seal.ts';
import type { Store } from '../../core/store.ts';
import { createSealSigner, firstPrevious, sealToDigest } from '../../core/verify/seals.ts';
import { createSealer, type Sealer } from '../../indexer/sealer.ts';
import { sealOf } from '../../testing/import-cases.ts';
import { createWorld, toBatch, type RunBuilder } from '../../testing/index.ts';
import type { Exchange, Wire } from './driver/exchange.ts';
import type { PostgresPool } from './driver/pool.ts';
import { createPostgresStore } from './index.ts';

const late = { payload: { type: 'late' } };
const signer = createSealSigner(new Uint8Array(32).fill(9));

function textOf(exchange: Exchange): string {
  const texts: string[] = [];
  const ignore = (): void => undefined;
  const wire: Wire = {
    parse: ({ text }) => void texts.push(text),
    close: ignore,
    bind: ignore,
    describe: ignore,
    execute: ignore,
    sync: ignore,
    sendCopyFail: ignore,
    stream: {},
  };
  exchange.submit(wire);
  return texts.join(';');
}

/** A pool that holds back what matches, once. */
function holdingPool(url: string, pattern: RegExp) {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isHeld = false;
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (exchange: unknown) => unknown;
    client.query = (async (exchange: Exchange) => {
      if (!isHeld && pattern.test(textOf(exchange))) {
        isHeld = true;
        reached.resolve();
        await released.promise;
      }
      query(exchange);
    }) as never;
  });
  return {
    pool: pool as unknown as PostgresPool,
    reached: reached.promise,
    release: () => released.resolve(),
    end: () => pool.end(),
  };
}

/** Resolves when a transaction waits for another, or when the work is done, which then waited for none. */
async function untilOneWaits(superUrl: string, work: Promise<void>): Promise<void> {
  let isOver = false;
  void work.finally(() => void (isOver = true));
  while (!isOver) {
    const [row] = await runSql(superUrl, 'SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted');
    if ((row!['count'] as number) > 0) return;
  }
}

function sealerOf(store: Store, onSeal?: () => void): Sealer {
  let head: SealHead | null = null;
  return createSealer({
    store: {
      ...store,
      appendSeals: async (...given) => {
        await store.appendSeals(...given);
        onSeal?.();
      },
    },
    clock: systemClock,
    signerOf: () => signer,
    heads: { read: () => head, write: (_project, next) => void (head = next) },
    onProblem: ({ message }) => expect(message).toBe(''),
  });
}

const storeAll = async (store: Store, ...runs: RunBuilder[]): Promise<void> => {
  await store.importBatch(toBatch(runs.flatMap((run) => run.take())));
};
const dueIds = async (store: Store): Promise<string[]> => (await store.listSealDue(100)).map(({ runId }) => runId);

describe('seals in PostgreSQL, while runs are imported', () => {
  const { cluster, it } = onPostgres();

  /** A store, one that is held back where a pattern says, and two ended runs. */
  async function openHeld(pattern: RegExp) {
    const { url, superUrl } = await cluster().lendDatabase();
    const store = createPostgresStore({ url, poolMax: 3, idleMs: 60_000 });
    await store.initialize();
    const world = createWorld();
    const [run, other] = [world.run().end(), world.run().end()];
    await storeAll(store, run, other);
    const gate = holdingPool(url, pattern);
    const held = createPostgresStore({ pool: gate.pool, idleMs: 60_000 });
    await held.initialize();
    const close = async (): Promise<void> => {
      await Promise.all([store.close(), held.close()]);
      await gate.end();
    };
    return { store, held, gate, superUrl, run, other, world, close };
  }

  for (const name of ['appendSeals', 'forgetSealDue'] as const)
    it(`what comes while ${name} takes its run off the list puts it there again, and other runs do not wait`, async () => {
      const { store, held, gate, superUrl, run, other, world, close } = await openHeld(/DELETE FROM sealing/);
      const seen = await store.listWriters('default', run.id);
      const seal = await sealOf(store, run.id, 1);
      const settling =
        name === 'appendSeals' ? held.appendSeals('default', [seal]) : held.forgetSealDue('default', run.id, seen);
      await gate.reached;
      // Sixty runs have most of the locks that imports take.
      const many = Array.from({ length: 60 }, () => world.run().end());
      await storeAll(store, ...many, other.emit('log', late));
      const importing = storeAll(store, run.emit('log', late));
      await untilOneWaits(superUrl, importing);
      gate.release();
      await Promise.all([settling, importing]);
      expect(await dueIds(store)).toContain(run.id);
      await close();
    });

  it('what was looked up before a seal and comes after it puts its run on the list', async () => {
    const { store, held, gate, run, other, close } = await openHeld(/INSERT INTO sealing/);
    const importing = storeAll(held, run.emit('log', late));
    await gate.reached;
    await store.appendSeals('default', [await sealOf(store, run.id, 1)]);
    expect(await dueIds(store)).toEqual([other.id]);
    gate.release();
    await importing;
    expect(await dueIds(store)).toEqual([run.id, other.id]);
    await close();
  });

  it('a run that is put there with nothing new goes again without a seal', async () => {
    const { store, held, gate, world, close } = await openHeld(/INSERT INTO sealing/);
    const sealer = sealerOf(store);
    await sealer.sealAll();
    const run = world.run().emit('log', late).emit('log', late).end();
    const entries = run.take();
    const hole = entries.splice(1, 1);
    await store.importBatch(toBatch(entries));
    const importing = held.importBatch(toBatch(hole));
    await gate.reached;
    // A seal whose import did not know of the hole yet, nor the filling of the hole of the seal.
    await sealer.sealAll();
    expect(await dueIds(store)).toEqual([]);
    gate.release();
    await importing;
    expect(await dueIds(store)).toEqual([run.id]);
    await sealer.sealAll();
    expect(await dueIds(store)).toEqual([]);
    expect(await store.listSeals('default', run.id)).toHaveLength(1);
    await close();
  });

  it('several sealers and importers at once leave no run unsealed, no number out and no run sealed for nothing', async () => {
    const { url } = await cluster().lendDatabase();
    const stores = Array.from({ length: 3 }, () => createPostgresStore({ url, poolMax: 3, idleMs: 20 }));
    await Promise.all(stores.map((store) => store.initialize()));
    const first: Store = stores[0]!;
    const world = createWorld();
    const runs = Array.from({ length: 40 }, () => world.run().end());
    await storeAll(first, ...runs);
    let isOver = false;
    let seals = 0;
    const sealing = stores.map(async (store) => {
      const sealer = sealerOf(store, () => void (seals += 1));
      for (; !isOver; await new Promise(setImmediate)) await sealer.sealSome();
    });
    const importing = stores.map(async (store, place) => {
      for (let round = 0; round < 25; round += 1) {
        // Each run is written to by all three, in an order of their own.
        const some = runs.map((run) => run.writer(`${place}${'0'.repeat(13)}${10 + round}`).emit('log', late));
        await storeAll(store, ...some.filter((_run, at) => (at + place) % 2 === round % 2));
      }
    });
    await Promise.all(importing);
    isOver = true;
    await Promise.all(sealing);
    await sealerOf(first).sealAll();
    expect(seals).toBeGreaterThan(3);
    expect(await dueIds(first)).toEqual([]);
    const list = await first.listSeals('default');
    for (const [index, { number, previous }] of list.entries())
      expect([number, previous]).toEqual([index + 1, index === 0 ? firstPrevious : sealToDigest(list[index - 1]!)]);
    const { runs: sealed } = await first.readSealing(
      'default',
      runs.map(({ id }) => id),
    );
    for (const { newest, writers } of sealed) {
      const counts = writers.map(({ writerId, n }) => [writerId, n]).sort();
      expect(newest!.writers.map(({ writerId, count }) => [writerId, count])).toEqual(counts);
    }
    for (const { id } of runs) {
      const texts = list.filter(({ runId }) => runId === id).map(({ writers }) => JSON.stringify(writers));
      expect(new Set(texts).size).toBe(texts.length);
    }
    await Promise.all(stores.map((store) => store.close()));
  });
});
