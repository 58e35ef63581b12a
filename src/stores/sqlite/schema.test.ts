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
