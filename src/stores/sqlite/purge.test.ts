import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { buildWordy } from '../../testing/erasure-cases.ts';
import { createWorld, toBatch } from '../../testing/index.ts';
import { openDatabase, type Database } from './database.ts';
import { openSqliteStoreFrom } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-purge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const emptied = [
  'runs',
  'run_views',
  'run_labels',
  'steps',
  'step_views',
  'step_packs',
  'attempts',
  'attempt_packs',
  'writers',
  'events',
  'event_packs',
  'packing',
  'contents',
  'content_bytes',
  'content_blocks',
  'documents',
  'nodes',
  'content_use',
  'context_use',
  'orphans',
  'word_tables',
];

/** Rows by table, of those tables that have any. */
function countRows(file: string): Record<string, number> {
  const db = new DatabaseSync(file);
  const counts = emptied.map((table) => [
    table,
    db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!['n'] as number,
  ]);
  const tables = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name LIKE 'words%'").get()!['n'] as number;
  db.close();
  return Object.fromEntries([...counts, ['words', tables]].filter(([, count]) => count !== 0));
}

/** A database that dies at its statement number `failAt`. */
function failingAt(db: Database, failAt: number): Database {
  let left = failAt;
  const check = (): void => {
    if ((left -= 1) < 0) throw new Error('killed');
  };
  return {
    ...db,
    get: (sql, ...values) => (check(), db.get(sql, ...values)),
    all: (sql, ...values) => (check(), db.all(sql, ...values)),
    run: (sql, ...values) => (check(), db.run(sql, ...values)),
    exec: (sql) => (check(), db.exec(sql)),
  };
}

describe('a purge of SQLite', () => {
  it.each([
    ['rows', 250],
    ['packs', 0],
  ])('that is killed again and again leaves nothing in the end (%s)', async (name, packAfterMs) => {
    const file = join(folder, `${name}.db`);
    const store = openSqliteStoreFrom({ open: () => openDatabase(file, 0), packAfterMs });
    await store.initialize();
    const world = createWorld();
    for (let index = 0; index < 3; index += 1) await store.importBatch(toBatch(buildWordy(world).entries));
    await store.close();
    const options = { projectId: 'default', beforeMs: Date.UTC(2027, 0), limit: 10 };
    let kills = 0;
    for (let failAt = 10; ; failAt += 3) {
      const mortal = openSqliteStoreFrom({ open: () => failingAt(openDatabase(file, 0), failAt), packAfterMs: 60_000 });
      const outcome = await mortal
        .initialize()
        .then(() => mortal.purge(options))
        .then(
          () => 'done',
          (error: Error) => error.message,
        );
      if (outcome === 'done') break;
      expect(outcome).toBe('killed');
      kills += 1;
    }
    expect(kills).toBeGreaterThan(5);
    expect(countRows(file)).toEqual({});
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  });
});
