import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql, type TestDatabase } from '../../../test/postgres/cluster.ts';
import { createWorld, errorOf, toBatch } from '../../testing/index.ts';
import { createWorkWorld, leaseOf, memoOf } from '../../testing/work/work-world.ts';
import { createPostgresRole, createPostgresStore } from './index.ts';
import { grantedFunctions, keeperFunctions } from './migration/functions.ts';
import { tableNames } from './migration/tables.ts';
import { workTables } from './migration/work-tables.ts';
import type { Store } from '../../core/store.ts';
import { toEnd } from '../../core/work/transition.ts';
import type { ClaimedRun } from '../../core/work/work.ts';

/** One run of everything that runs as work have; it is under a lease. */
async function buildWork(store: Store, projectId: string): Promise<ClaimedRun> {
  const world = createWorkWorld(store);
  await world.create(1, {
    projectId,
    idempotencyKey: 'key',
    row: { timeoutAtMs: 1 + (await world.work.nowMs()) + 200 },
  });
  const [claimed] = await world.claim({ projectId });
  const { runId } = claimed!.row;
  await world.work.putMemos(projectId, leaseOf(claimed!), [memoOf(runId)]);
  const signal = { id: 's', runId, name: 'n', sealed: Uint8Array.of(1), sentAtMs: 1 };
  await world.work.putSignal(projectId, signal);
  const of = { projectId, agentId: 'agent', handlerVersion: null };
  await world.work.putAgent({ ...of, tools: [], runsMax: null, updatedAtMs: 1 });
  const times = { isPaused: false, nextAtMs: 1, lastAtMs: null, createdAtMs: 1 };
  await world.work.putSchedule({
    ...of,
    ...times,
    id: 'c',
    cron: '@hourly',
    timeZone: 'UTC',
    sealed: Uint8Array.of(1),
  });
  const worker = { workerId: 'w', host: 'h', pid: 1, agentIds: [], concurrency: 1, startedAtMs: 1, seenAtMs: 1 };
  await world.work.putWorker(projectId, { ...worker, isStopping: false });
  return claimed!;
}

describe('projects apart in PostgreSQL (I10)', () => {
  let database: TestDatabase;
  let runOfOne = '';
  const workOf: Record<string, ClaimedRun> = {};

  const { it } = onPostgres(undefined, async (cluster) => {
    database = await cluster.createDatabase();
    // Changes are counted by connection.
    const store = createPostgresStore({ url: database.url, idleMs: 0, poolMax: 1 });
    await store.initialize();
    for (const projectId of ['one', 'two']) {
      const world = createWorld();
      const run = world
        .run({ labels: { a: 'b' }, callerId: 'caller' })
        .step({ messages: [`walrus of ${projectId}`], output: ['x'.repeat(2000)], body: { a: 1 } })
        .step({ status: 'error', error: errorOf('walrus') });
      await store.importBatch(toBatch(run.take(), projectId, { file: `${projectId}.journal`, bytes: 5 }));
      await store.importBatch(
        toBatch(
          world
            .run()
            .end('error', { error: errorOf('walrus') })
            .take(),
          projectId,
        ),
      );
      await store.putAnnotation(projectId, {
        id: 'n',
        runId: run.id,
        stepId: null,
        kind: 'note',
        name: null,
        value: 'walrus',
        author: null,
        createdAtMs: 1,
        updatedAtMs: 1,
      });
      runOfOne = run.id;
      workOf[projectId] = await buildWork(store, projectId);
    }
    await store.close();
    // What waits to be filed of each.
    await runSql(
      database.superUrl,
      `INSERT INTO tachograph.work_entries (project_key, run_id, epoch, entries) SELECT key, 'r', 2965, '' FROM tachograph.projects`,
    );
  });

  /** Rows of every table and answers of every view and function, as a connection sees them. */
  async function everythingSeen(url: string, projectId: string | null, tables = [...tableNames, 'run_list']) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      if (projectId !== null) await client.query(`SELECT set_config('tachograph.project', $1, false)`, [projectId]);
      const seen: Record<string, number> = {};
      for (const table of tables) {
        const { rows } = await client.query(`SELECT count(*)::int AS count FROM tachograph.${table}`);
        if (rows[0].count > 0) seen[table] = rows[0].count;
      }
      const { rows: keys } = await client.query('SELECT tachograph.project_key() AS key');
      return { seen, key: keys[0].key as number | null };
    } finally {
      await client.end();
    }
  }

  it('shows nothing to a role that names no project, or none that there is', async () => {
    for (const projectId of [null, '', 'three', "one' OR '1'='1"])
      expect(await everythingSeen(database.url, projectId)).toEqual({ seen: {}, key: null });
  });

  it('shows nothing to the owner of the tables either', async () => {
    expect(await everythingSeen(database.ownerUrl, null)).toEqual({ seen: {}, key: null });
    const partitions = await runSql(
      database.ownerUrl,
      `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tachograph' AND c.relkind = 'r' AND c.relispartition`,
    );
    expect(partitions.length).toBeGreaterThan(12);
    const names = partitions.map((row) => String(row['relname']));
    expect((await everythingSeen(database.ownerUrl, null, names)).seen).toEqual({});
  });

  it('shows a project its own rows and no others', async () => {
    const [all] = await runSql(database.superUrl, 'SELECT count(*)::int AS count FROM tachograph.runs');
    expect(all).toEqual({ count: 6 });
    const one = await everythingSeen(database.url, 'one');
    const two = await everythingSeen(database.url, 'two');
    expect(one.seen['runs']).toBe(3);
    expect(one.seen['run_list']).toBe(3);
    for (const table of Object.keys(workTables)) expect(one.seen[table], table).toBeGreaterThan(0);
    expect(one.seen).toEqual(two.seen);
    expect(one.key).not.toBe(two.key);
  });

  it('forces row-level security on every table and partition, and leads every unique index by the project', async () => {
    const unforced = await runSql(
      database.superUrl,
      `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'tachograph' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
    );
    expect(unforced).toEqual([]);
    const unled = await runSql(
      database.superUrl,
      `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       WHERE n.nspname = 'tachograph' AND i.indisunique AND a.attname <> 'project_key' AND c.relname <> 'projects'`,
    );
    expect(unled).toEqual([]);
    const views = await runSql(
      database.superUrl,
      `SELECT c.relname, c.reloptions::text AS options FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tachograph' AND c.relkind = 'v'`,
    );
    expect(views).toEqual([{ relname: 'run_list', options: '{security_invoker=true}' }]);
  });

  it('lets no project write, move or remove rows of another', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      const [two] = await runSql(database.superUrl, `SELECT key FROM tachograph.projects WHERE id = 'two'`);
      const key = two!['key'] as number;
      await client.query(`SELECT set_config('tachograph.project', 'one', false)`);
      const refused = { code: '42501' };
      await expect(
        client.query(`INSERT INTO tachograph.seals (project_key, number, run_id, seal) VALUES (${key}, 1, 'r', '{}')`),
      ).rejects.toMatchObject(refused);
      await expect(client.query(`UPDATE tachograph.runs SET project_key = ${key}`)).rejects.toMatchObject(refused);
      await expect(client.query(`INSERT INTO tachograph.projects (id) VALUES ('three')`)).rejects.toMatchObject(
        refused,
      );
      expect((await client.query(`DELETE FROM tachograph.runs WHERE project_key = ${key}`)).rowCount).toBe(0);
      for (const sql of [
        'TRUNCATE tachograph.runs',
        'DROP TABLE tachograph.runs',
        'ALTER TABLE tachograph.runs DISABLE ROW LEVEL SECURITY',
        `CREATE POLICY mine ON tachograph.runs USING (true)`,
        'SET ROLE tachograph_owner',
      ])
        await expect(client.query(sql), sql).rejects.toMatchObject({ code: '42501' });
      await client.query(`SELECT set_config('tachograph.keeper', 'on', false)`);
      expect((await client.query('SELECT count(*)::int AS count FROM tachograph.runs')).rows[0].count).toBe(3);
    } finally {
      await client.end();
    }
  });

  it('tells a role for one project nothing of the others, by no function', async () => {
    await createPostgresRole({ url: database.ownerUrl, role: 'tenant_one', password: 'x', isForAllProjects: false });
    const url = database.url.replace('tachograph_app:app', 'tenant_one:x');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      for (const name of keeperFunctions) {
        const call = name.replace(/\((.+)\)/, (_all, types: string) => `(NULL::${types.replaceAll(', ', ', NULL::')})`);
        await expect(client.query(`SELECT tachograph.${call}`), name).rejects.toMatchObject({ code: '42501' });
      }
      expect(grantedFunctions).toContain('drop_epoch(int4)');
      expect((await client.query('SELECT tachograph.drop_epoch(2953)')).rows).toEqual([{ drop_epoch: false }]);
    } finally {
      await client.end();
    }
    const store = createPostgresStore({ url, projectId: 'one' });
    await store.initialize();
    expect(await store.listProjects()).toEqual(['one']);
    expect((await store.listSealDue(10)).map(({ projectId }) => projectId)).toEqual(['one']);
    expect(await store.journalPositions()).toEqual([{ file: 'one.journal', bytes: 5 }]);
    expect(await store.countRuns('two', {})).toBe(0);
    await expect(store.getRun('two', runOfOne)).rejects.toMatchObject({ code: 'run-not-found' });
    await expect(store.eraseRun('two', runOfOne)).rejects.toMatchObject({ code: 'run-not-found' });
    await expect(store.importBatch(toBatch([], 'two'))).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(store.appendSeals('two', [])).rejects.toMatchObject({ code: 'bad-argument' });
    expect(await store.readSealing('two', [runOfOne])).toEqual({ last: null, runs: [] });
    expect((await store.readSealing('one', [runOfOne])).runs).toHaveLength(1);
    expect((await store.listEventsOfRuns('two', [{ runId: runOfOne, fromSeq: 1 }])).size).toBe(0);
    expect((await store.search('one', 'walrus')).length).toBeGreaterThan(2);
    expect(await store.search('two', 'walrus')).toEqual([]);
    await store.close();
  });

  it('gives no project a way to the work of another, by any method', async () => {
    const mine = createPostgresStore({
      url: database.url.replace('tachograph_app:app', 'tenant_one:x'),
      projectId: 'one',
    });
    const all = createPostgresStore({ url: database.url });
    await Promise.all([mine.initialize(), all.initialize()]);
    const other = workOf['two']!;
    const { runId } = other.row;
    // The store of all projects is asked under the wrong project; the store of one may not even write there.
    const work = all.work!;
    const end = createWorkWorld(all).toChange(other.row, toEnd(other.row, { endReason: 'ok', nowMs: 1 }));
    const forced = { ...end, expected: { ...end.expected, isHeld: false } };
    expect(await work.change('one', [forced])).toEqual([false]);
    expect(await work.get('one', runId)).toBeNull();
    expect(await work.readOrder('one', runId)).toBeNull();
    expect(await work.listMemos('one', runId)).toEqual([]);
    expect(await work.putMemos('one', leaseOf(other), [memoOf(runId)])).toBe(false);
    expect((await work.heartbeat('one', [leaseOf(other)], 1000))[0]!.isHeld).toBe(false);
    expect(await work.putSignal('one', { id: 'x', runId, name: 'n', sealed: Uint8Array.of(1), sentAtMs: 1 })).toBe(
      false,
    );
    await work.dropSealed('one', runId);
    await work.dropMemosFrom('one', runId, 0);
    expect(await work.listMemos('two', runId)).toHaveLength(1);
    expect(await work.readOrder('two', runId)).not.toBeNull();
    await expect(mine.work!.change('two', [forced])).rejects.toMatchObject({ code: 'bad-argument' });
    expect(await mine.work!.get('two', runId)).toBeNull();
    await runSql(database.superUrl, `UPDATE tachograph.work SET due_at_ms = 1`);
    expect((await mine.work!.listStale(10, null)).map(({ row }) => row.projectId)).not.toContain('two');
    expect((await mine.work!.dueSchedules(10)).map(({ schedule }) => schedule.projectId)).toEqual(['one']);
    expect((await work.dueSchedules(10)).map(({ schedule }) => schedule.projectId).toSorted()).toEqual(['one', 'two']);
    await Promise.all([mine.close(), all.close()]);
  });

  it('finds words of its own project only, by the index', async () => {
    const store = createPostgresStore({ url: database.url });
    await store.initialize();
    const hits = await store.search('one', 'walrus');
    expect(hits.length).toBeGreaterThan(2);
    expect(hits.some(({ snippet }) => snippet.includes('two'))).toBe(false);
    await store.close();
    // Documents enough that reading them all is no choice.
    await runSql(
      database.superUrl,
      `INSERT INTO tachograph.words (project_key, epoch, document, part, is_long, words)
         SELECT p.key, 2965, sha256(n::text::bytea), 0, false, ('word' || n)::tsvector FROM tachograph.projects p, generate_series(1, 3000) n WHERE p.id = 'two';
       ANALYZE tachograph.words`,
    );
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        `SELECT set_config('tachograph.project', 'two', true), set_config('tachograph.words', '''word77''', true)`,
      );
      const { rows } = await client.query(`EXPLAIN SELECT document FROM tachograph.words WHERE words @@ '''word77'''`);
      expect(JSON.stringify(rows)).toMatch(/Index Scan on words_e\d+_words_idx/);
    } finally {
      await client.end();
    }
  });

  it('refuses a role that no policy binds', async () => {
    const store = createPostgresStore({ url: database.superUrl });
    await expect(store.initialize()).rejects.toMatchObject({ code: 'home-unusable' });
  });

  it('leaves nothing behind on a connection: no project, no words, no statement', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 2 });
    const store = createPostgresStore({ pool });
    await store.initialize();
    const run = createWorld().run().step();
    await Promise.all([
      store.importBatch(toBatch(run.take(), 'one')),
      store.search('one', 'walrus'),
      store.listRuns('two', {}, {}),
      store.getRun('one', runOfOne),
    ]);
    await store.close();
    expect(pool.idleCount).toBe(pool.totalCount);
    const clients = await Promise.all([pool.connect(), pool.connect()]);
    for (const client of clients) {
      const { rows } = await client.query(
        `SELECT current_setting('tachograph.project', true) AS project, current_setting('tachograph.words', true) AS words,
           current_setting('search_path') AS path, (SELECT count(*)::int FROM pg_prepared_statements) AS statements`,
      );
      expect(rows[0]).toEqual({ project: '', words: '', path: '"$user", public', statements: 0 });
      client.release();
    }
    await pool.end();
  });
});
