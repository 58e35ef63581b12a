import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createWorld, type RunBuilder, toBatch } from '../../../testing/index.ts';
import { type Database, openDatabase } from '../database.ts';
import { openSqliteStoreFrom } from '../store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-step-views-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

async function openPacking(): Promise<{ store: ReturnType<typeof openSqliteStoreFrom>; db: Database }> {
  const file = join(folder, `${(files += 1)}.db`);
  const store = openSqliteStoreFrom({ open: () => openDatabase(file, 1000), packAfterMs: 0 });
  await store.initialize();
  return { store, db: openDatabase(file, 1000) };
}

const stepsOf = (run: RunBuilder): RunBuilder => {
  for (let index = 0; index < 6; index += 1)
    run.step({
      kind: 'tool',
      name: `zebra${index}`,
      args: { index },
      result: `result ${index}`,
      ...(index === 2
        ? { error: { name: 'Error', message: 'quagga', code: null, status: null, isRetryable: null, causes: [] } }
        : {}),
    });
  return run.end();
};

const packsOf = (db: Database): string[] =>
  db.all('SELECT packed FROM step_packs').map((row) => zstdDecompressSync(row['packed'] as Uint8Array).toString());
const countOf = (db: Database, sql: string): unknown => Object.values(db.get(sql)!)[0];

describe('views of steps of an ended run', () => {
  it('rest in a pack, and read back as they were', async () => {
    const { store, db } = await openPacking();
    const run = stepsOf(createWorld().run());
    await store.importBatch(toBatch(run.take()));
    expect(countOf(db, 'SELECT count(*) FROM step_views')).toBe(0);
    expect(packsOf(db)).toHaveLength(1);
    const steps = await store.listSteps('default', run.id);
    expect(steps.map((step) => step.name)).toEqual([0, 1, 2, 3, 4, 5].map((index) => `zebra${index}`));
    expect(await store.getStep('default', run.id, 4)).toEqual(steps[3]);
    expect(await store.rebuildRun('default', run.id)).toEqual([]);
    db.close();
    await store.close();
  });

  it('go back into rows when a step is written to again, and leave nothing of it in a pack', async () => {
    const { store, db } = await openPacking();
    const run = stepsOf(createWorld().run());
    await store.importBatch(toBatch(run.take()));
    const [first] = await store.listSteps('default', run.id);
    db.run("UPDATE steps SET status = 'in_progress' WHERE number = 1");
    expect((await store.rebuildRun('default', run.id)).length).toBeGreaterThan(0);
    // Rebuilt, so every step was written again, and packed anew: in one pack, and each step once.
    expect(packsOf(db)).toHaveLength(1);
    expect(packsOf(db)[0]!.split('zebra0')).toHaveLength(2);
    expect((await store.listSteps('default', run.id))[0]).toEqual(first);
    db.close();
    await store.close();
  });

  it('are no longer in the file once the run is erased or purged', async () => {
    const { store, db } = await openPacking();
    const world = createWorld();
    const erased = stepsOf(world.run());
    const purged = stepsOf(world.run({ timeMs: Date.UTC(2020, 0, 1) }));
    await store.importBatch(toBatch([...erased.take(), ...purged.take()]));
    await store.eraseRun('default', erased.id);
    await store.purge({ projectId: 'default', beforeMs: Date.UTC(2021, 0, 1), limit: 10 });
    for (const pack of packsOf(db)) expect(pack).not.toContain('quagga');
    expect(await store.rebuildRun('default', erased.id)).toEqual([]);
    expect(countOf(db, 'SELECT count(*) FROM step_packs WHERE run_key NOT IN (SELECT key FROM runs)')).toBe(0);
    db.close();
    await store.close();
  });
});
