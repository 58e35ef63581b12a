import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTachographError } from '../../src/core/error.ts';
import type { EditedHome } from './edited-home.ts';
import { createEditedHome } from './edited-home.ts';

/** Values of every type, and of sizes that no column of ours has. */
const values = [
  null,
  0,
  -1,
  1.5,
  9e99,
  2n ** 63n - 1n,
  '',
  'text',
  '{}',
  '[1]',
  '"',
  Buffer.alloc(0),
  Buffer.alloc(7, 255),
];

/** The columns that verification and rebuilding read. */
const columns: readonly (readonly [table: string, ...columns: string[]])[] = [
  ['events', 'seq', 'writer_key', 'n', 'type', 'time_ms', 'step_id', 'attempt', 'facts', 'payload', 'proof'],
  ['event_packs', 'first_seq', 'last_seq', 'packed', 'proofs'],
  ['writers', 'id', 'n', 'hash', 'missing'],
  ['contents', 'id', 'kind', 'salt', 'size', 'block_key', 'block_at'],
  ['content_bytes', 'bytes'],
  ['content_blocks', 'packed'],
  ['nodes', 'id', 'parent_key', 'content_key', 'depth'],
  ['seals', 'number', 'run_id', 'seal'],
  ['runs', 'epoch'],
];

const cases = columns.flatMap(([table, ...names]) => names.map((name) => [table, name] as const));

describe.each([false, true])('columns of a wrong type (I6), packed: %s', (isPacked) => {
  let edited: EditedHome;
  beforeAll(async () => {
    edited = await createEditedHome({ isPacked });
  });
  afterAll(() => edited.close());

  it.each(cases)('%s.%s: a verdict, never a crash', async (table, column) => {
    const runId = edited.runs[0]!.id;
    const before = JSON.stringify(await edited.home.store.listEvents('default', runId));
    for (const value of values) {
      let changed = 0;
      // The driver cannot read back what no number holds, so the old values stay inside the file.
      edited.edit((db) => {
        db.exec(`CREATE TABLE kept AS SELECT rowid AS r, ${column} AS v FROM ${table}`);
        const set = `UPDATE OR IGNORE ${table} SET ${column} = ? WHERE rowid = (SELECT min(rowid) FROM ${table})`;
        try {
          changed = Number(db.prepare(set).run(value).changes);
        } catch (error) {
          expect((error as Error).message).toContain('NOT NULL');
        }
      });
      const verdict = await edited.home.verify(runId);
      const { store } = edited.home;
      // Whatever a reader is shown other than what was recorded has a verdict that says so.
      if (JSON.stringify(await store.listEvents('default', runId)) !== before && column !== 'seq')
        expect([table, column, value, verdict.intact.verdict]).not.toContain('intact');
      await store.rebuildRun('default', runId).catch((error: unknown) => {
        expect([isTachographError(error), (error as Error).message]).toEqual([true, expect.any(String)]);
      });
      edited.edit((db) => {
        if (changed > 0) db.exec(`UPDATE ${table} SET ${column} = (SELECT v FROM kept WHERE r = ${table}.rowid)`);
        db.exec('DROP TABLE kept');
      });
    }
    await edited.home.store.rebuildRun('default', runId);
    expect((await edited.home.verify(runId)).intact.verdict).toBe('intact');
  });
});
