import pg from 'pg';
import { describe, expect } from 'vitest';
import { createPostgresStore, migratePostgres } from '../../src/stores/postgres/index.ts';
import { migrationStatements } from '../../src/stores/postgres/schema.ts';
import { createWorld, toBatch } from '../../src/testing/index.ts';
import { onPostgres, runSql } from '../postgres/cluster.ts';

// Two versions live: a migration is killed at each of its statements while the version before it, which the present store
// stands for, writes and reads.

const setBehind = `CREATE OR REPLACE FUNCTION tachograph.schema_version() RETURNS int4 LANGUAGE sql IMMUTABLE AS $$ SELECT 0 $$`;

/** Begins a statement in a transaction and ends the connection before it is committed: a kill in the middle of it. */
async function killedAt(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  await client.query(sql);
  await client.end();
}

describe('a migration that is killed at each statement while others write', () => {
  const { cluster, it } = onPostgres();

  /** Writes and reads until told to end; what was written, and what failed. */
  async function startWriting(
    url: string,
  ): Promise<{ stop(): Promise<{ steps: number; found: number; failures: string[] }> }> {
    const store = createPostgresStore({ url, poolMax: 2 });
    const run = createWorld().run();
    let isOver = false;
    let [steps, found] = [0, 0];
    const failures: string[] = [];
    await store.initialize();
    const writing = (async () => {
      while (!isOver) {
        const entries = run.step({ messages: [`walrus ${steps}`] }).take();
        try {
          await store.importBatch(toBatch(entries));
          steps += 1;
          found = (await store.listSteps('default', run.id)).length;
        } catch (error) {
          failures.push(String((error as { code?: unknown }).code));
          break;
        }
      }
      await store.close();
    })();
    return {
      async stop() {
        isOver = true;
        await writing;
        return { steps, found, failures };
      },
    };
  }

  it('ends at the next try, and neither the writers nor what they wrote feel it', async () => {
    const { url, ownerUrl } = await cluster().createDatabase();
    const writer = await startWriting(url);
    await runSql(ownerUrl, setBehind);
    for (const sql of migrationStatements()) {
      await killedAt(ownerUrl, sql);
      await runSql(ownerUrl, sql);
    }
    await runSql(ownerUrl, setBehind);
    await migratePostgres({ url: ownerUrl });
    const { steps, found, failures } = await writer.stop();
    expect(failures).toEqual([]);
    expect(steps).toBeGreaterThan(10);
    expect(found).toBe(steps);
  });

  it('would be felt if it changed what the version before works with: the check can fail', async () => {
    const { url, ownerUrl } = await cluster().createDatabase();
    const writer = await startWriting(url);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await runSql(ownerUrl, 'ALTER TABLE tachograph.runs RENAME COLUMN agent_id TO agent');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await writer.stop()).failures).toHaveLength(1);
  });
});
