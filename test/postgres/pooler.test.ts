import pg from 'pg';
import { afterAll, describe, expect, it as plainIt } from 'vitest';
import { migratePostgres, createPostgresRole, createPostgresStore } from '../../src/stores/postgres/index.ts';
import { createWorld, describeStore, toBatch } from '../../src/testing/index.ts';
import { onPostgres } from './cluster.ts';
import type { Pooler } from './pooler.ts';
import { startPooler, whyNoPooler } from './pooler.ts';

// All of the store's rules through a pooler in transaction mode with two connections, and that nothing of a project stays on
// a connection that the next one is given.

const missing = whyNoPooler();

describe('PostgreSQL behind a pooler in transaction mode', () => {
  let pooler: Pooler | null = null;
  const { cluster, it: onCluster } = onPostgres(undefined, async (running) => {
    if (missing === null) pooler = await startPooler((await running.createDatabase()).url);
  });
  afterAll(() => pooler?.stop());
  const it = (title: string, body: () => Promise<void>): void =>
    missing === null ? onCluster(title, body) : void plainIt(title, (context) => context.skip(true, missing));

  let url = '';
  describeStore(
    'postgres, pooled',
    {
      async open(options) {
        const lent = await cluster().lendDatabase();
        url = pooler!.through(lent.url);
        return createPostgresStore({ url, poolMax: 4, ...options });
      },
      async reopen(store, options) {
        await store.close();
        return createPostgresStore({ url, ...options });
      },
    },
    { describe, it },
  );

  it('keeps projects apart while twenty callers of four share two connections (I10)', async () => {
    const database = await cluster().createDatabase();
    const stores = Array.from({ length: 4 }, () =>
      createPostgresStore({ url: pooler!.through(database.url), poolMax: 5, idleMs: 10 }),
    );
    for (const store of stores) await store.initialize();
    const projects = ['one', 'two', 'three', 'four'];
    const world = createWorld();
    const work = async (index: number): Promise<void> => {
      const projectId = projects[index % projects.length]!;
      const store = stores[index % stores.length === 0 ? 0 : (index * 7) % stores.length]!;
      for (let round = 0; round < 6; round += 1) {
        const run = world
          .run({ agentId: projectId })
          .step({ messages: [`walrus of ${projectId}`] })
          .end();
        await store.importBatch(toBatch(run.entries, projectId));
        const { items } = await store.listRuns(projectId, {}, { limit: 200 });
        expect(items.filter(({ agentId }) => agentId !== projectId)).toEqual([]);
        expect(items.some(({ id }) => id === run.id)).toBe(true);
        const others = projects.filter((other) => other !== projectId);
        const found = await store.search(projectId, 'walrus');
        for (const other of others) expect(JSON.stringify(found)).not.toContain(`of ${other}`);
        await expect(store.getRun(others[0]!, run.id)).rejects.toMatchObject({ code: 'run-not-found' });
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_each, index) => work(index)));
    for (const projectId of projects) expect(await stores[0]!.countRuns(projectId, {})).toBe(30);
    for (const store of stores) await store.close();
  });

  it('leaves no project, words or waits on the connections it used', async () => {
    const database = await cluster().createDatabase();
    const pooled = pooler!.through(database.url);
    const store = createPostgresStore({ url: pooled });
    await store.initialize();
    const run = createWorld()
      .run()
      .step({ messages: ['walrus'] })
      .end();
    await store.importBatch(toBatch(run.entries, 'one'));
    await store.search('one', 'walrus');
    const client = new pg.Client({ connectionString: pooled });
    await client.connect();
    for (let round = 0; round < 10; round += 1) {
      const { rows } = await client.query(
        `SELECT coalesce(current_setting('tachograph.project', true), '') AS project, coalesce(current_setting('tachograph.words', true), '') AS words,
           current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle,
           (SELECT count(*)::int FROM tachograph.runs) AS runs, (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`,
      );
      expect(rows[0]).toEqual({ project: '', words: '', statement: '0', idle: '0', runs: 0, prepared: 0 });
    }
    await client.end();
    await store.close();
  });

  it('passes on what whoever sets a project for the session leaves behind: the check can fail', async () => {
    const database = await cluster().createDatabase();
    const pooled = pooler!.through(database.url);
    const careless = new pg.Client({ connectionString: pooled });
    await careless.connect();
    await careless.query(`SELECT set_config('tachograph.project', 'one', false)`);
    await careless.end();
    const next = new pg.Client({ connectionString: pooled });
    await next.connect();
    const { rows } = await next.query(`SELECT current_setting('tachograph.project', true) AS project`);
    await next.end();
    expect(rows[0]).toEqual({ project: 'one' });
  });

  it('is migrated through, and given its role', async () => {
    const database = await cluster().createDatabase({ isEmpty: true });
    await migratePostgres({ url: pooler!.through(database.ownerUrl) });
    await createPostgresRole({ url: pooler!.through(database.ownerUrl), role: 'tachograph_app' });
    const store = createPostgresStore({ url: pooler!.through(database.url) });
    await store.initialize();
    expect(await store.countRuns('default', {})).toBe(0);
    await store.close();
  });
});
