import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorkWorld, leaseOf, memoOf, type WorkWorld } from '../../../testing/work/work-world.ts';
import { type Database, openDatabase } from '../database.ts';
import { openSqliteStoreFrom } from '../store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-work-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All that a file holds, read past the store. */
function readAll(file: string): string {
  const db = openDatabase(file, 0);
  const tables = db.all(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'words_*' ORDER BY name`,
  );
  const rows = tables.map(({ name }) => [
    name,
    db
      .all(`SELECT * FROM ${String(name)}`)
      .map((row) =>
        Object.values(row).map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : cell)),
      ),
  ]);
  db.close();
  return JSON.stringify(rows);
}

const actByName: Record<string, (world: WorkWorld) => Promise<unknown>> = {
  create: async (world) => {
    const creations = [await world.creation({ idempotencyKey: 'new' }), await world.creation({})];
    await world.work.create('default', creations);
  },
  claim: (world) => world.claim({ limit: 3, projectRunsMax: 9, runsMaxByAgent: { agent: 9 } }),
  change: async (world) => {
    const { items } = await world.work.list('default', { states: ['running'] }, {});
    const ends = await Promise.all(items.map((row) => world.end(row, 'error')));
    expect(ends.length).toBe(2);
    await world.work.change(
      'default',
      ends.map((end) => ({ ...end, memos: [memoOf(end.runId)] })),
    );
  },
  signals: async (world) => {
    const { items } = await world.work.list('default', { states: ['running'] }, {});
    const [row] = items;
    await world.work.putSignal('default', {
      id: 's',
      runId: row!.runId,
      name: 'n',
      sealed: Uint8Array.of(1),
      sentAtMs: 1,
    });
  },
  take: async (world) => {
    const { items } = await world.work.list('default', { states: ['running'] }, {});
    const [row] = items;
    const lease = leaseOf({ row: row!, sealed: null, nowMs: 0 });
    await world.work.takeSignal('default', { lease, name: 'there', toMemo: () => memoOf(row!.runId) });
  },
  file: (world) => world.work.file('default'),
};

describe('a statement that fails', () => {
  for (const [name, act] of Object.entries(actByName))
    it(`leaves all or nothing of it: ${name}`, async () => {
      const file = join(folder, `${name}.db`);
      const state = { left: Infinity };
      const failing = (db: Database): Database => {
        const count =
          <T extends unknown[], R>(fn: (...args: T) => R) =>
          (...args: T): R => {
            if ((state.left -= 1) < 0) throw new Error('fault');
            return fn(...args);
          };
        return { ...db, get: count(db.get), all: count(db.all), run: count(db.run) };
      };
      const store = openSqliteStoreFrom({ open: () => failing(openDatabase(file, 0)), packAfterMs: 60_000 });
      await store.initialize();
      const world = createWorkWorld(store);
      await world.create(6, { isRedrivable: true });
      const claimed = await world.claim({ limit: 2 });
      for (const { row } of claimed)
        await world.work.putSignal('default', {
          id: 't',
          runId: row.runId,
          name: 'there',
          sealed: Uint8Array.of(1),
          sentAtMs: 1,
        });
      // Filed by itself or not: the next look must not be changed by it.
      if (name !== 'file') await world.work.file('default');
      const before = readAll(file);
      let faults = 0;
      for (; ; faults += 1) {
        state.left = faults;
        const error: unknown = await act(world).then(
          () => null,
          (reason: unknown) => reason,
        );
        state.left = Infinity;
        if (error === null) break;
        expect((error as Error).message).toBe('fault');
        expect(readAll(file)).toBe(before);
      }
      expect(faults).toBeGreaterThan(3);
      expect(readAll(file)).not.toBe(before);
      await store.close();
    });
});
