import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorld, toBatch } from '../../testing/index.ts';
import { buildWordy } from '../../testing/erasure-cases.ts';
import { createRandom } from '../../testing/model-cases.ts';
import { openDatabase } from './database.ts';
import { openSqliteStore } from './index.ts';
import { openSqliteStoreFrom } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-erasure-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How often a text stands in the database, its log and its shared memory, as UTF-8 bytes. */
function countInFiles(file: string, text: string): number {
  return ['', '-wal', '-shm'].reduce(
    (sum, end) => sum + (existsSync(file + end) ? readFileSync(file + end, 'latin1').split(text).length - 1 : 0),
    0,
  );
}

/** How often a text stands in what is packed, which a search of the raw file cannot see. */
function countInPacks(file: string, text: string): number {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = ['content_blocks', 'event_packs', 'attempt_packs', 'step_packs'].flatMap((table) =>
    db.prepare(`SELECT packed FROM ${table}`).all(),
  );
  db.close();
  const texts = rows.map((row) => zstdDecompressSync(row['packed'] as Uint8Array).toString());
  return texts.reduce((sum, unpacked) => sum + unpacked.split(text).length - 1, 0);
}

describe('erasure from SQLite files', () => {
  it.each([
    ['rows', 250],
    ['packs', 0],
  ])('leaves none of the words in any file, among many runs that stay (%s)', async (name, packAfterMs) => {
    const file = join(folder, `${name}.db`);
    const store = openSqliteStoreFrom({ open: () => openDatabase(file, 0), packAfterMs });
    await store.initialize();
    const world = createWorld();
    const random = createRandom(5);
    const gone = Array.from({ length: 40 }, () => buildWordy(world, 'quaggazebra'));
    const kept = Array.from({ length: 300 }, (_, index) => {
      const text = Array.from({ length: 60 }, () => `w${Math.floor(random() * 3000).toString(36)}`).join(' ');
      return world
        .run({
          agentId: `agent ${index}`,
          callerId: text,
          sessionId: text.slice(0, 90),
          labels: { [text.slice(0, 20)]: text },
        })
        .step({ messages: [text], output: [text.toUpperCase()], body: { text } })
        .end();
    });
    // Mixed in time and in key order, so that pages split around the words and rows move between them.
    const mixed = [...gone, ...kept].map((run) => ({ run, at: random() })).sort((a, b) => a.at - b.at);
    for (const { run } of mixed) await store.importBatch(toBatch(run.take()));
    for (const { run } of mixed)
      await store.importBatch(
        toBatch(run.emit('log', { payload: { type: 'late', data: 'y'.repeat(Math.floor(random() * 400)) } }).take()),
      );
    expect(countInFiles(file, 'quaggazebra')).toBeGreaterThan(100);
    expect(countInPacks(file, 'quaggazebra') > 0).toBe(name === 'packs');
    for (const run of gone) await store.eraseRun('default', run.id);
    expect(countInPacks(file, 'quaggazebra')).toBe(0);
    expect(countInFiles(file, 'quaggazebra')).toBe(0);
    expect(countInFiles(file, 'uaggazebr')).toBe(0);
    expect(countInFiles(file, 'QUAGGAZEBRA')).toBe(0);
    expect(await store.search('default', 'quaggazebra')).toEqual([]);
    for (const run of kept) expect((await store.listSteps('default', run.id)).length).toBe(1);
    await store.close();
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.exec("INSERT INTO words_1 (words_1) VALUES ('integrity-check')");
    db.close();
  });

  it('leaves none of the words of purged runs once their epoch is over', async () => {
    const file = join(folder, 'purge.db');
    const store = openSqliteStore({ file });
    await store.initialize();
    const world = createWorld();
    const gone = Array.from({ length: 20 }, () => buildWordy(world, 'quaggazebra'));
    for (const run of gone) await store.importBatch(toBatch(run.take()));
    await store.purge({ projectId: 'default', beforeMs: Date.UTC(2027, 0), limit: 100 });
    await store.close();
    expect(countInFiles(file, 'quaggazebra')).toBe(0);
    expect(countInFiles(file, 'uaggazebr')).toBe(0);
  });

  it('empties the log as soon as a reader that was in the way has gone', async () => {
    const file = join(folder, 'reader.db');
    const store = openSqliteStore({ file, busyMs: 20 });
    await store.initialize();
    const world = createWorld();
    const run = buildWordy(world, 'quaggazebra');
    await store.importBatch(toBatch(run.entries));
    const reader = new DatabaseSync(file);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM runs').get();
    await store.eraseRun('default', run.id);
    expect(countInFiles(file, 'quaggazebra')).toBeGreaterThan(0);
    reader.exec('ROLLBACK');
    reader.close();
    await store.importBatch(toBatch(world.run().entries));
    expect(countInFiles(file, 'quaggazebra')).toBe(0);
    await store.close();
  });
});
