import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import type { Store } from '../../core/store.ts';
import { createWorld, errorOf, toBatch } from '../../testing/index.ts';
import { openDatabase, type Database } from './database.ts';
import { openSqliteStore } from './index.ts';
import { openSqliteStoreFrom } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-imports-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const nextFile = (): string => join(folder, `${(files += 1)}.db`);

async function openStore(file: string, busyMs?: number): Promise<Store> {
  const store = openSqliteStore({ file, ...(busyMs === undefined ? {} : { busyMs }) });
  await store.initialize();
  return store;
}

const buildRun = () =>
  createWorld()
    .run({ labels: { a: 'b' } })
    .step({ messages: ['one', 'two'], output: ['three'], body: { four: 4 } })
    .step({ status: 'error', error: errorOf('five') })
    .end('error', { error: errorOf('six') });

/** A database whose statement number `failAt` and all later ones fail, as when the process dies or the disk is full. */
function failingFrom(db: Database, failAt: number): Database {
  let calls = 0;
  const check = (): void => {
    calls += 1;
    if (calls > failAt) throw new Error('failed on purpose');
  };
  return {
    ...db,
    get: (sql, ...values) => (check(), db.get(sql, ...values)),
    all: (sql, ...values) => (check(), db.all(sql, ...values)),
    run: (sql, ...values) => (check(), db.run(sql, ...values)),
  };
}

/** Imports one run after the other and says so on standard output, until it is killed. */
const killedScript = (testing: string, index: string): string => `
  import { createWorld, toBatch } from '${testing}';
  import { openSqliteStore } from '${index}';
  const [, file, round] = process.argv;
  const store = openSqliteStore({ file });
  await store.initialize();
  const world = createWorld();
  for (let index = 0; index < 10_000; index += 1) {
    const run = world.run({ agentId: 'round ' + round, timeMs: Date.UTC(2026, 10, 2 + Number(round)) + index });
    run.step({ messages: ['question ' + index], output: ['answer ' + index] }).step({ kind: 'tool', result: index }).end();
    await store.importBatch(toBatch(run.entries));
    process.stdout.write('1\\n');
  }`;

async function dump(store: Store, runId: string): Promise<unknown> {
  return [
    await store.getRun('default', runId),
    await store.listEvents('default', runId),
    await store.listSteps('default', runId),
    await store.listAttempts('default', runId),
    await store.search('default', 'five'),
    await store.journalPositions(),
    await store.listProjects(),
  ];
}

describe('imports into SQLite', () => {
  it('are all or nothing, whichever statement fails', async () => {
    const run = buildRun();
    const batch = toBatch(run.entries, 'default', { file: 'j', bytes: 9 });
    const whole = await openStore(nextFile());
    await whole.importBatch(batch);
    const expected = await dump(whole, run.id);
    await whole.close();
    const file = nextFile();
    await (await openStore(file)).close();
    let failures = 0;
    for (let failAt = 3; ; failAt += 1) {
      const store = openSqliteStoreFrom({ open: () => failingFrom(openDatabase(file, 0), failAt), packAfterMs: 250 });
      // Opening asks a few questions of its own first.
      const isOpen = await store.initialize().then(
        () => true,
        () => false,
      );
      if (!isOpen) continue;
      const result = await store.importBatch(batch).then(
        () => 'done',
        (error: Error) => error.message,
      );
      if (result === 'done') break;
      expect(result).toBe('failed on purpose');
      failures += 1;
      const reader = await openStore(file);
      expect(await reader.listProjects()).toEqual([]);
      expect(await reader.journalPositions()).toEqual([]);
      await reader.close();
    }
    expect(failures).toBeGreaterThan(40);
    const store = await openStore(file);
    expect(await dump(store, run.id)).toEqual(expected);
    await store.close();
  });

  it('are seen by another connection, which waits its turn to write', async () => {
    const file = nextFile();
    const one = await openStore(file);
    const other = await openStore(file);
    const world = createWorld();
    const first = world.run().step().end();
    const second = world.run().step().end();
    const before = await other.changeCount();
    await one.importBatch(toBatch(first.entries));
    expect(await other.changeCount()).toBeGreaterThan(before);
    await other.importBatch(toBatch(second.entries));
    expect((await one.listRuns('default', {}, {})).items.map((run) => run.id)).toEqual([second.id, first.id]);
    expect((await one.importBatch(toBatch(second.entries))).duplicates).toBe(second.entries.length);
    await one.close();
    await other.close();
  });

  it('say store-busy when a lock does not go away', async () => {
    const file = nextFile();
    const store = await openStore(file, 20);
    const holder = new DatabaseSync(file);
    holder.exec('BEGIN IMMEDIATE');
    await expect(store.importBatch(toBatch(buildRun().entries))).rejects.toMatchObject({ code: 'store-busy' });
    holder.exec('ROLLBACK');
    holder.close();
    expect((await store.importBatch(toBatch(buildRun().entries))).events).toBe(buildRun().entries.length);
    await store.close();
  });

  it('of a process killed at any moment are whole or not there', async () => {
    const file = nextFile();
    await (await openStore(file)).close();
    const modules = ['../../testing/index.ts', './index.ts'].map((path) => new URL(path, import.meta.url).href);
    const script = killedScript(modules[0]!, modules[1]!);
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, file, String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledged = 0;
      const isDead = new Promise((resolve) => child.once('exit', resolve));
      for await (const chunk of child.stdout) {
        acknowledged += String(chunk).split('\n').length - 1;
        if (acknowledged >= 5 + round * 3) child.kill('SIGKILL');
      }
      await isDead;
      const store = await openStore(file);
      const { items } = await store.listRuns('default', { agentId: `round ${round}` }, { limit: 500 });
      // Acknowledged is there; what was under way may be.
      expect(items.length).toBeGreaterThanOrEqual(acknowledged);
      for (const run of items) {
        expect([run.status, run.counts.events, run.counts.steps]).toEqual(['completed', 6, 2]);
        expect(await store.rebuildRun('default', run.id)).toEqual([]);
      }
      await store.close();
      const db = new DatabaseSync(file);
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
      db.close();
    }
  });

  it('show a malformed stored value as error and raw', async () => {
    const file = nextFile();
    const run = buildRun();
    const store = await openStore(file);
    await store.importBatch(toBatch(run.entries));
    const db = new DatabaseSync(file);
    db.exec(`UPDATE run_views SET view = '{broken'; UPDATE step_views SET view = 'null'; UPDATE attempts SET view = '[1';
      UPDATE events SET payload = '{"broken'; UPDATE contents SET block_key = 99, block_at = 0; DELETE FROM content_bytes;`);
    db.close();
    const malformed = { error: 'malformed stored value' };
    expect((await store.getRun('default', run.id)).labels).toEqual({ ...malformed, raw: '{broken' });
    expect((await store.listRuns('default', {}, {})).items[0]?.status).toBe('failed');
    expect((await store.listSteps('default', run.id))[0]?.metadata).toEqual({ ...malformed, raw: 'null' });
    expect((await store.listAttempts('default', run.id))[0]?.requestHeaders).toEqual({ ...malformed, raw: '[1' });
    expect((await store.listEvents('default', run.id))[0]?.payload).toBe('{"broken');
    const ids = run.entries.flatMap((entry) => entry.contents.map((content) => content.id));
    const [content] = await store.readContents('default', run.id, ids);
    expect(JSON.parse(Buffer.from(content!.bytes).toString())).toEqual({ ...malformed, raw: null });
    await store.search('default', 'one');
    // What the record still says can be computed anew, however broken.
    expect((await store.rebuildRun('default', run.id)).length).toBeGreaterThan(0);
    await store.close();
  });
});
