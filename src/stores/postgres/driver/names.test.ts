import pg from 'pg';
import { describe, expect, it as plainIt } from 'vitest';
import { onPostgres, runSql } from '../../../../test/postgres/cluster.ts';
import { createDatabase, defaultWaits } from '../database.ts';
import { createStatementNames, forgetNames, nameOf } from './names.ts';

describe('names of statements', () => {
  plainIt('are given on a connection that leads straight to its server, the same each time, and only so many', () => {
    const names = createStatementNames();
    expect(nameOf(names, 'SELECT 1')).toBeNull();
    names.isDirect = false;
    expect(nameOf(names, 'SELECT 1')).toBeNull();
    names.isDirect = true;
    expect(nameOf(names, 'SELECT 1')).toBe(nameOf(names, 'SELECT 1'));
    const given = Array.from({ length: 300 }, (_each, index) => nameOf(names, `SELECT ${index}`)?.name ?? null);
    expect(new Set(given.filter((name) => name !== null)).size).toBe(128);
    expect(given.slice(200).every((name) => name === null)).toBe(true);
  });

  plainIt('are told again once they are forgotten', () => {
    const names = createStatementNames();
    names.isDirect = true;
    const named = nameOf(names, 'SELECT 1')!;
    named.fields = { names: [], parsers: [] };
    forgetNames(names);
    expect(nameOf(names, 'SELECT 1')).toMatchObject({ name: named.name, fields: null });
  });
});

describe('statements that PostgreSQL keeps by name', () => {
  const { cluster, it } = onPostgres();

  /** A database on a pool of one connection, which the test may use itself. */
  async function open({ isOwnPool = true } = {}) {
    const { url, superUrl } = await cluster().createDatabase();
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    const db = createDatabase({ pool, place: 'here', waits: defaultWaits, prices: null, isOwnPool });
    const { rows: own } = await pool.query<{ id: number }>('SELECT pg_backend_pid() AS id');
    return {
      superUrl,
      pool,
      /** Two changes and a call, each with what it found. */
      async use(at: number) {
        const project = `p${at}`;
        const found = await db.change(project, async (tx) => {
          tx.put('INSERT INTO projects (id) VALUES ($1)', project);
          return tx.all('SELECT * FROM projects WHERE id = $1', project);
        });
        const [called] = await db.call(project, [{ sql: 'SELECT id FROM projects' }]);
        expect([found[0]!['id'], called!.rows]).toEqual([project, [{ id: project }]]);
      },
      /** The names that the server has, each with how often it was used. */
      async kept() {
        const { rows } = await pool.query<{ name: string; uses: number }>(
          'SELECT name, (generic_plans + custom_plans)::int AS uses FROM pg_prepared_statements ORDER BY name',
        );
        // It is the same connection throughout.
        expect((await pool.query('SELECT pg_backend_pid() AS id')).rows).toEqual(own);
        return rows;
      },
      async close() {
        await db.close();
        if (!isOwnPool) await pool.end();
      },
    };
  }

  it('are read once, and go by their names from then on', async () => {
    const { use, kept, close } = await open();
    await use(0);
    await use(1);
    const before = await kept();
    expect(before.length).toBeGreaterThan(4);
    expect(before.every(({ name }) => /^tachograph_\d+$/.test(name))).toBe(true);
    for (let at = 2; at < 8; at += 1) await use(at);
    const after = await kept();
    expect(after.map(({ name }) => name)).toEqual(before.map(({ name }) => name));
    expect(Math.max(...after.map(({ uses }) => uses))).toBeGreaterThanOrEqual(7);
    await close();
  });

  it('are told again when somebody took them away', async () => {
    const { use, kept, pool, close } = await open();
    await use(0);
    await use(1);
    await pool.query('DEALLOCATE ALL');
    expect(await kept()).toEqual([]);
    await use(2);
    expect((await kept()).length).toBeGreaterThan(0);
    await close();
  });

  it('are told again when a table got another column meanwhile', async () => {
    const { use, superUrl, close } = await open();
    await use(0);
    await use(1);
    await runSql(superUrl, 'ALTER TABLE tachograph.projects ADD COLUMN added int4 DEFAULT 7');
    await use(2);
    await use(3);
    await close();
  });

  it('do not come onto connections that are lent', async () => {
    const { use, kept, close } = await open({ isOwnPool: false });
    await use(0);
    await use(1);
    expect(await kept()).toEqual([]);
    await close();
  });
});
