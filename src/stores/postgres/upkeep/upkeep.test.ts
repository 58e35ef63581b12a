import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../../test/postgres/cluster.ts';
import { createWorld, toBatch } from '../../../testing/index.ts';
import { createDatabase, type Database, defaultWaits } from '../database.ts';
import { openPool } from '../driver/pool.ts';
import { stripeOf } from '../import/lock.ts';
import { createPostgresStore } from '../index.ts';
import { createIndexing } from './indexing.ts';
import { createPacking } from './packing.ts';

const never = 1_000_000_000;

async function openStore(url: string) {
  const store = createPostgresStore({ url, idleMs: never });
  await store.initialize();
  return store;
}

async function openBare(url: string): Promise<Database> {
  const pool = await openPool({ url, max: 4, connectMs: 5000 });
  return createDatabase({ pool, place: 'a test', waits: defaultWaits, prices: null, isOwnPool: true });
}

async function untilDone(work: { next(): Promise<boolean> }): Promise<void> {
  while (await work.next());
}

/** A run of several imports, attempts and contents. */
function buildRun(world: ReturnType<typeof createWorld>, steps: number, word: string) {
  const run = world.run();
  for (let step = 0; step < steps; step += 1)
    run.step({ messages: [`${word} ${step} ${'x'.repeat(400)}`], body: { word, step } });
  return run;
}

const left = `SELECT (SELECT count(*) FROM tachograph.packing)::int AS runs, (SELECT count(*) FROM tachograph.word_queue)::int AS words,
  (SELECT count(*) FROM tachograph.attempts)::int AS attempts,
  (SELECT count(*) FROM tachograph.contents WHERE block_key IS NULL)::int AS loose`;

describe('packing and indexing in PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  it('by several processes at once leaves every run as it was, packed once', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = await openStore(url);
    const world = createWorld();
    const ids: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      const run = buildRun(world, 5, `walrus${index % 3}`);
      ids.push(run.id);
      await store.importBatch(toBatch(run.take()));
      await store.importBatch(toBatch(run.end().take()));
    }
    const read = async (id: string) => [
      await store.listEvents('default', id),
      await store.listSteps('default', id),
      await store.listAttempts('default', id),
    ];
    const before = await Promise.all(ids.map(read));
    const databases = await Promise.all([1, 2, 3].map(() => openBare(url)));
    await Promise.all(
      databases.flatMap((db) => [untilDone(createPacking(db, 'default')), untilDone(createIndexing(db, 'default'))]),
    );
    expect((await runSql(superUrl, left))[0]).toEqual({ runs: 0, words: 0, attempts: 0, loose: 0 });
    expect(await Promise.all(ids.map(read))).toEqual(before);
    const [packs] = await runSql(superUrl, 'SELECT count(*)::int AS count FROM tachograph.event_packs');
    expect(packs!['count']).toBe(60);
    expect((await store.search('default', 'walrus1', { limit: 1000 })).length).toBe(5);
    await Promise.all(databases.map((db) => db.close()));
    await store.close();
  });

  it('passes by a run that somebody writes to, and comes back to it', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = await openStore(url);
    const world = createWorld();
    const runs = [buildRun(world, 5, 'heron'), buildRun(world, 5, 'stork')];
    while (stripeOf(runs[0]!.id) === stripeOf(runs[1]!.id)) runs[1] = buildRun(world, 5, 'stork');
    for (const run of runs) await store.importBatch(toBatch(run.end().take()));
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    await holder.query('BEGIN');
    const lock = `hashtext('tachograph.run.default'), ${stripeOf(runs[0]!.id)}`;
    await holder.query(`SELECT pg_advisory_xact_lock(${lock})`);
    const db = await openBare(url);
    const packing = createPacking(db, 'default');
    const end = untilDone(packing);
    const waiting = 'SELECT r.id FROM tachograph.packing p JOIN tachograph.runs r ON r.key = p.run_key';
    for (let tries = 0; tries < 200; tries += 1) {
      if ((await runSql(superUrl, waiting)).length === 1) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await runSql(superUrl, waiting)).toEqual([{ id: runs[0]!.id }]);
    await holder.query('COMMIT');
    await end;
    expect(await runSql(superUrl, waiting)).toEqual([]);
    await holder.end();
    await db.close();
    await store.close();
  });

  it('packs a large run in several transactions, and all of it', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = await openStore(url);
    const run = buildRun(createWorld(), 700, 'ibis');
    await store.importBatch(toBatch(run.end().take()));
    const before = await store.listSteps('default', run.id);
    const attempts = await store.listAttempts('default', run.id);
    const db = await openBare(url);
    await untilDone(createPacking(db, 'default'));
    const [row] = await runSql(superUrl, left);
    expect(row).toMatchObject({ runs: 0, attempts: 0 });
    expect(row!['loose']).toBeLessThan(2);
    expect(await store.listSteps('default', run.id)).toEqual(before);
    expect(await store.listAttempts('default', run.id)).toEqual(attempts);
    await db.close();
    await store.close();
  });

  it('indexes no words of a run that was erased after they were read', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = await openStore(url);
    const world = createWorld();
    const [erased, kept] = [buildRun(world, 2, 'bittern').end(), buildRun(world, 2, 'egret').end()];
    await store.importBatch(toBatch([...erased.take(), ...kept.take()]));
    const db = await openBare(url);
    let changes = 0;
    const indexing = createIndexing(
      {
        ...db,
        async change(projectId, fn) {
          changes += 1;
          // The first reads, the second writes what was read.
          if (changes === 2) await store.eraseRun('default', erased.id);
          return db.change(projectId, fn);
        },
      },
      'default',
    );
    await untilDone(indexing);
    const found = await runSql(
      superUrl,
      `SELECT count(*)::int AS count FROM tachograph.words WHERE words::text LIKE '%bittern%'`,
    );
    expect(found[0]!['count']).toBe(0);
    expect((await runSql(superUrl, left))[0]).toMatchObject({ words: 0 });
    expect((await store.search('default', 'egret')).length).toBeGreaterThan(0);
    await db.close();
    await store.close();
  });
});
