import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorld, toBatch } from '../../testing/index.ts';
import { openDatabase, type Database } from './database.ts';
import { openSqliteStore } from './index.ts';
import { schemaMajor, schemaMinor } from './schema.ts';
import { openSqliteStoreFrom } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-schema-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const nextFile = (): string => join(folder, `${(files += 1)}.db`);

async function makeStore(file: string): Promise<string> {
  const store = openSqliteStore({ file });
  await store.initialize();
  const run = createWorld()
    .run()
    .step({ messages: ['kept'] })
    .end();
  await store.importBatch(toBatch(run.entries));
  await store.close();
  return run.id;
}

function setVersion(file: string, version: number): void {
  const db = new DatabaseSync(file);
  db.exec(`PRAGMA user_version = ${version}`);
  db.close();
}

const tablesOf13 = (
  'changes projects journal_positions runs run_views run_labels steps step_views attempts writers events event_packs attempt_packs ' +
  'packing sealing contents word_tables documents content_bytes content_blocks nodes content_use context_use orphans annotations ' +
  'seals project_records keys'
).split(' ');

/** Brings a file back to the layout of schema 1.3, with all it holds. */
function toSchema13(file: string): void {
  const place = 'key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL';
  const columnsByTable = {
    contents: `${place}, id BLOB NOT NULL, kind TEXT, salt BLOB, size INTEGER, document_key INTEGER, block_key INTEGER, block_at INTEGER, UNIQUE (project_key, epoch, id)`,
    nodes: `${place}, id BLOB NOT NULL, parent_key INTEGER, content_key INTEGER, depth INTEGER NOT NULL, UNIQUE (project_key, epoch, id)`,
    documents: `${place}, hash BLOB NOT NULL, UNIQUE (project_key, epoch, hash)`,
  };
  const db = new DatabaseSync(file, { defensive: false });
  const later = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'words_[0-9]*' AND name NOT GLOB 'sqlite_*'
       AND name NOT IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify(tablesOf13));
  for (const { name } of later) db.exec(`DROP TABLE ${String(name)}`);
  db.exec('ALTER TABLE steps DROP COLUMN pack_key; DELETE FROM packing;');
  for (const [table, columns] of Object.entries(columnsByTable))
    db.exec(
      `CREATE TABLE old (${columns}); INSERT INTO old SELECT * FROM ${table}; DROP TABLE ${table}; ALTER TABLE old RENAME TO ${table};`,
    );
  db.exec(`CREATE INDEX contents_by_document ON contents (document_key) WHERE document_key IS NOT NULL;
    CREATE INDEX contents_by_block ON contents (block_key) WHERE block_key IS NOT NULL;
    CREATE INDEX nodes_by_parent ON nodes (parent_key); CREATE INDEX nodes_by_content ON nodes (content_key);
    PRAGMA user_version = 1003;`);
  db.close();
}

describe('the schema of a SQLite store', () => {
  it('refuses a newer major version, naming file and versions', async () => {
    const file = nextFile();
    await makeStore(file);
    setVersion(file, (schemaMajor + 1) * 1000 + 7);
    const opening = openSqliteStore({ file }).initialize();
    await expect(opening).rejects.toMatchObject({ code: 'store-newer' });
    await expect(opening).rejects.toThrow(
      `${file} has schema ${schemaMajor + 1}.7, this library knows ${schemaMajor}.${schemaMinor}`,
    );
  });

  it('accepts a newer minor version and leaves it', async () => {
    const file = nextFile();
    const runId = await makeStore(file);
    setVersion(file, schemaMajor * 1000 + schemaMinor + 1);
    const store = openSqliteStore({ file });
    await store.initialize();
    expect((await store.getRun('default', runId)).status).toBe('completed');
    await store.close();
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: schemaMajor * 1000 + schemaMinor + 1 });
    db.close();
  });

  it('says what to do with a file that only try-out versions wrote', async () => {
    const file = nextFile();
    await makeStore(file);
    setVersion(file, 1001);
    const opening = openSqliteStore({ file }).initialize();
    await expect(opening).rejects.toMatchObject({ code: 'store-broken' });
    await expect(opening).rejects.toThrow(`${file} has schema 1.1, which only try-out versions wrote`);
  });

  it('says what to do with a file that is no database', async () => {
    const file = nextFile();
    writeFileSync(file, 'this is no database '.repeat(1000));
    const opening = openSqliteStore({ file }).initialize();
    await expect(opening).rejects.toMatchObject({ code: 'store-broken' });
    await expect(opening).rejects.toThrow('Move it aside');
  });

  it('leaves the database of another program alone', async () => {
    const file = nextFile();
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE theirs (a)');
    db.close();
    await expect(openSqliteStore({ file }).initialize()).rejects.toMatchObject({ code: 'store-broken' });
  });

  it('says which folder is missing', async () => {
    await expect(openSqliteStore({ file: join(folder, 'no', 'such', 'x.db') }).initialize()).rejects.toMatchObject({
      code: 'home-unusable',
    });
  });

  it('is readable by its owner only', async () => {
    const file = nextFile();
    const store = openSqliteStore({ file });
    await store.initialize();
    for (const end of ['', '-wal', '-shm']) expect(statSync(file + end).mode & 0o077).toBe(0);
    await store.close();
  });

  it('finishes a migration that was killed at any statement', async () => {
    const file = nextFile();
    // A process that dies leaves what it had committed: each failure below ends its connection without a word.
    for (let survived = 0; ; survived += 1) {
      let left = survived;
      const failing = (db: Database): Database => {
        const count =
          <T extends unknown[], R>(fn: (...args: T) => R) =>
          (...args: T): R => {
            if ((left -= 1) < 0) throw new Error('killed');
            return fn(...args);
          };
        return { ...db, get: count(db.get), run: count(db.run), exec: count(db.exec) };
      };
      const store = openSqliteStoreFrom({ open: () => failing(openDatabase(file, 0)), packAfterMs: 250 });
      const isDone = await store.initialize().then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe('killed');
          return false;
        },
      );
      if (!isDone) continue;
      expect(survived).toBeGreaterThan(3);
      left = Infinity;
      await store.close();
      break;
    }
    const runId = await makeStore(file);
    const store = openSqliteStore({ file });
    await store.initialize();
    expect((await store.search('default', 'kept')).map((hit) => hit.runId)).toEqual([runId]);
    await store.close();
  });

  it('takes a file of schema 1.3 with all that it holds, and packs the steps of its ended runs', async () => {
    const file = nextFile();
    const world = createWorld();
    const run = world.run();
    for (const word of ['one', 'two', 'three', 'four', 'five'])
      run.step({ messages: ['shared', word], output: [{ type: 'text', text: `the answer ${word}` }] });
    run.end();
    const first = openSqliteStoreFrom({ open: () => openDatabase(file, 5000), packAfterMs: 60_000 });
    await first.initialize();
    await first.importBatch(toBatch(run.take()));
    const steps = await first.listSteps('default', run.id);
    const words = await first.search('default', 'answer three');
    await first.close();
    toSchema13(file);
    const store = openSqliteStoreFrom({ open: () => openDatabase(file, 5000), packAfterMs: 0 });
    await store.initialize();
    expect(await store.listSteps('default', run.id)).toEqual(steps);
    // The same contents again, and with the write comes the packing.
    const other = world.run().step({ messages: ['shared', 'one'] });
    await store.importBatch(toBatch(other.take()));
    expect(await store.listSteps('default', run.id)).toEqual(steps);
    expect(await store.search('default', 'answer three')).toEqual(words);
    expect(await store.rebuildRun('default', run.id)).toEqual([]);
    const db = new DatabaseSync(file, { readOnly: true });
    const count = (sql: string) => Object.values(db.prepare(sql).get()!)[0];
    expect(count('SELECT count(*) FROM steps WHERE pack_key IS NOT NULL')).toBe(5);
    expect(count('SELECT count(*) FROM step_views')).toBe(1);
    expect(count('SELECT count(*) - count(DISTINCT id) FROM contents')).toBe(0);
    expect(count('SELECT count(*) - count(DISTINCT id) FROM nodes')).toBe(0);
    db.close();
    await store.close();
  });

  it('indexes all words anew when the rules for words have changed', async () => {
    const file = nextFile();
    const runId = await makeStore(file);
    const db = new DatabaseSync(file, { defensive: false });
    db.exec('UPDATE changes SET words_version = 0; DELETE FROM words_1_data WHERE id > 10;');
    db.close();
    const store = openSqliteStore({ file });
    await store.initialize();
    expect((await store.search('default', 'kept')).map((hit) => hit.runId)).toEqual([runId]);
    await store.close();
  });
});
