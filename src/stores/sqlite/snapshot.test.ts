import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorld, toBatch } from '../../testing/index.ts';
import { type Database, openDatabase } from './database.ts';
import { openSqliteStoreFrom } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-snapshot-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** Two connections of a file with one row. */
function openTwo(): { one: Database; other: Database; count(): number } {
  const file = join(folder, `${(files += 1)}.db`);
  const [one, other] = [openDatabase(file, 1000), openDatabase(file, 1000)];
  one.exec('CREATE TABLE things (id INTEGER PRIMARY KEY); INSERT INTO things VALUES (1)');
  return { one, other, count: () => one.get('SELECT count(*) AS count FROM things')!['count'] as number };
}

describe('a reading, while another process writes between its questions', () => {
  it('is of one moment, and the next one of a later', () => {
    const { one, other, count } = openTwo();
    const twice = (): number[] => {
      const before = count();
      other.run('INSERT INTO things DEFAULT VALUES');
      return [before, count()];
    };
    expect(twice()).toEqual([1, 2]);
    expect(one.snapshot(twice)).toEqual([2, 2]);
    expect(one.snapshot(twice)).toEqual([3, 3]);
    // Within a transaction it is of that one's moment.
    expect(one.transaction(() => one.snapshot(count))).toBe(4);
    expect(() =>
      one.snapshot(() => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(count()).toBe(4);
    one.close();
    other.close();
  });

  it('is what every question to the store is', async () => {
    const file = join(folder, `${(files += 1)}.db`);
    let depth = 0;
    let outside = 0;
    const watched = (db: Database): Database => {
      const inside =
        <A extends unknown[], R>(fn: (...args: A) => R) =>
        (...args: A): R => {
          if (depth === 0) outside += 1;
          return fn(...args);
        };
      const within =
        (run: <T>(fn: () => T) => T) =>
        <T>(fn: () => T): T => {
          depth += 1;
          try {
            return run(fn);
          } finally {
            depth -= 1;
          }
        };
      const { get, all, snapshot, transaction } = db;
      return {
        ...db,
        get: inside(get),
        all: inside(all),
        snapshot: within(snapshot),
        transaction: within(transaction),
      };
    };
    const store = openSqliteStoreFrom({ open: () => watched(openDatabase(file, 1000)), packAfterMs: 60_000 });
    await store.initialize();
    const run = createWorld()
      .run()
      .step({ messages: ['walrus'], body: { model: 'm' } })
      .end();
    await store.importBatch(toBatch(run.take()));
    outside = 0;
    await store.getRun('default', run.id);
    await store.listRuns('default', {}, {});
    await store.listSteps('default', run.id);
    await store.listAttempts('default', run.id);
    await store.listEvents('default', run.id);
    await store.search('default', 'walrus');
    await store.readSealing('default', [run.id]);
    await store.work!.counts('default');
    expect(outside).toBe(0);
    await store.close();
  });
});
