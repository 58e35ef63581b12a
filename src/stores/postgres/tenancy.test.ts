import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql, type TestDatabase } from '../../../test/postgres/cluster.ts';
import { createWorld, errorOf, toBatch } from '../../testing/index.ts';
import { createPostgresRole, createPostgresStore } from './index.ts';
import { grantedFunctions, keeperFunctions } from './migration/functions.ts';
import { tableNames } from './migration/tables.ts';

describe('projects apart in PostgreSQL (I10)', () => {
  let database: TestDatabase;
  let runOfOne = '';

  const { it } = onPostgres(undefined, async (cluster) => {
    database = await cluster.createDatabase();
    const store = createPostgresStore({ url: database.url, idleMs: 0 });
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
    }
    await store.close();
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
    expect(all).toEqual({ count: 4 });
    const one = await everythingSeen(database.url, 'one');
    const two = await everythingSeen(database.url, 'two');
    expect(one.seen['runs']).toBe(2);
    expect(one.seen['run_list']).toBe(2);
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
      expect((await client.query('SELECT count(*)::int AS count FROM tachograph.runs')).rows[0].count).toBe(2);
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
        const call = name.replace(/\((.+)\)/, (_all, type: string) => `(NULL::${type})`);
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
    expect((await store.search('one', 'walrus')).length).toBeGreaterThan(2);
    expect(await store.search('two', 'walrus')).toEqual([]);
    await store.close();
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
