import { describe, expect } from 'vitest';
import { onPostgres, runSql, type TestDatabase } from '../../../test/postgres/cluster.ts';
import { createWorld, toBatch } from '../../testing/index.ts';
import { createPostgresRole, createPostgresStore, migratePostgres } from './index.ts';
import { migrationStatements, schemaMajor, schemaMinor } from './schema.ts';

const setVersion = (url: string, version: number) =>
  runSql(
    url,
    `CREATE OR REPLACE FUNCTION tachograph.schema_version() RETURNS int4 LANGUAGE sql IMMUTABLE AS $$ SELECT ${version} $$`,
  );

/** All that a migration makes, as the catalogue tells it. */
const describeSchema = (url: string) =>
  runSql(
    url,
    `SELECT 'relation' AS what, c.relname AS name, concat(c.relkind, c.relrowsecurity, c.relforcerowsecurity) AS detail FROM pg_class c
       WHERE c.relnamespace = 'tachograph'::regnamespace
     UNION ALL SELECT 'function', p.proname, md5(pg_get_functiondef(p.oid)) FROM pg_proc p WHERE p.pronamespace = 'tachograph'::regnamespace
     UNION ALL SELECT 'policy', tablename || '.' || policyname, concat(qual, with_check, roles) FROM pg_policies WHERE schemaname = 'tachograph'
     UNION ALL SELECT 'column', attrelid::regclass || '.' || attname, concat(format_type(atttypid, atttypmod), attstorage) FROM pg_attribute
       WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'tachograph'::regnamespace)
     ORDER BY 1, 2, 3`,
  );

async function recordRun(database: TestDatabase): Promise<number> {
  await createPostgresRole({ url: database.ownerUrl, role: 'tachograph_app' });
  const store = createPostgresStore({ url: database.url });
  await store.initialize();
  const run = createWorld()
    .run()
    .step({ messages: ['a'] })
    .end();
  await store.importBatch(toBatch(run.take()));
  const found = await store.search('default', 'a');
  await store.close();
  return found.length;
}

describe('migration of PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  it('is run again to the same end, whichever statement it was killed after', async () => {
    const whole = await cluster().createDatabase({ isEmpty: true });
    await migratePostgres({ url: whole.ownerUrl });
    const expected = await describeSchema(whole.superUrl);
    expect(expected.length).toBeGreaterThan(300);
    const statements = migrationStatements();
    const database = await cluster().createDatabase({ isEmpty: true });
    // After each statement the migration begins anew, with the first one, as it does after a kill.
    const client = database.ownerUrl;
    for (let done = 1; done <= statements.length; done += 7)
      await runSql(client, statements.slice(0, done).join(';\n'));
    for (const [index, sql] of statements.entries()) {
      await runSql(client, sql);
      await runSql(client, statements[Math.max(0, index - 1)]!);
    }
    await migratePostgres({ url: database.ownerUrl });
    expect(await describeSchema(database.superUrl)).toEqual(expected);
    expect(await recordRun(database)).toBe(1);
  });

  it('ends when its connection is ended in the middle, and goes on at the next call', async () => {
    const database = await cluster().createDatabase({ isEmpty: true });
    let isDone = false;
    const killing = (async () => {
      for (let kills = 0; !isDone && kills < 12; kills += 1) {
        await runSql(
          database.superUrl,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}' AND usename = 'tachograph_owner'`,
        );
      }
    })();
    let failures = 0;
    for (;;) {
      try {
        await migratePostgres({ url: database.ownerUrl });
        break;
      } catch (error) {
        expect((error as { code: string }).code).toBe('store-busy');
        failures += 1;
      }
    }
    isDone = true;
    await killing;
    expect(failures).toBeGreaterThan(0);
    expect(await recordRun(database)).toBe(1);
  });

  it('lets several migrate at once, while others write', async () => {
    const database = await cluster().createDatabase({ isEmpty: true });
    await Promise.all([1, 2, 3].map(() => migratePostgres({ url: database.ownerUrl })));
    expect(await recordRun(database)).toBe(1);
    const store = createPostgresStore({ url: database.url });
    await store.initialize();
    const run = createWorld().run({ id: '01a19991-0000-7000-8000-00000000ffff' });
    // As a later version would: every statement again under a version that is behind.
    await setVersion(database.ownerUrl, 0);
    const migration = migratePostgres({ url: database.ownerUrl });
    for (let writes = 0; writes < 20; writes += 1) await store.importBatch(toBatch(run.step().take()));
    await migration;
    expect((await store.listSteps('default', run.id)).length).toBe(20);
    await store.close();
  });

  it('refuses a newer major version and takes a newer minor one', async () => {
    const database = await cluster().createDatabase();
    const open = async () => {
      const store = createPostgresStore({ url: database.url });
      await store.initialize();
      await store.close();
    };
    await setVersion(database.ownerUrl, schemaMajor * 1000 + schemaMinor + 1);
    await open();
    await migratePostgres({ url: database.ownerUrl });
    await setVersion(database.ownerUrl, (schemaMajor + 1) * 1000);
    await expect(open()).rejects.toMatchObject({ code: 'store-newer' });
    await expect(migratePostgres({ url: database.ownerUrl })).rejects.toMatchObject({ code: 'store-newer' });
  });

  it('says what is missing: schema, rights, password', async () => {
    const empty = await cluster().createDatabase({ isEmpty: true });
    await expect(createPostgresStore({ url: empty.url }).initialize()).rejects.toMatchObject({ code: 'store-broken' });
    const database = await cluster().createDatabase();
    const wrong = createPostgresStore({ url: database.url.replace(':app@', ':wrong@') });
    const refused: unknown = await wrong.initialize().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'home-unusable' });
    expect((refused as Error).message).not.toContain('wrong');
    await expect(migratePostgres({ url: database.url })).resolves.toBeUndefined();
    await expect(createPostgresRole({ url: database.ownerUrl, role: 'a"; DROP' })).rejects.toMatchObject({
      code: 'bad-argument',
    });
  });
});
