import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createWorkWorld, leaseOf } from '../../../testing/work/work-world.ts';
import { openDatabase } from '../database.ts';
import { openSqliteStoreFrom } from '../store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-work-clock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('leases of a SQLite store', () => {
  const time = { nowMs: 0, machineMs: 0 };
  const clock = { nowMs: () => time.nowMs, machineMs: () => time.machineMs };
  let files = 0;
  beforeEach(() => {
    files += 1;
    Object.assign(time, { nowMs: 1_800_000_000_000, machineMs: 5_000_000 });
  });

  async function openWorld() {
    const file = join(folder, `${files}.db`);
    const store = openSqliteStoreFrom({ open: () => openDatabase(file, 5000), packAfterMs: 60_000, clock });
    await store.initialize();
    const world = createWorkWorld(store);
    await world.create(1, { timeoutSeconds: null });
    const [claimed] = await world.claim({ leaseMs: 30_000 });
    const isHeld = async () => (await world.work.heartbeat('default', [leaseOf(claimed!)], 30_000))[0]!.isHeld;
    return { world, store, claimed: claimed!, isHeld };
  }

  it('outlast a step of the wall clock, either way, and are told so that whoever compares finds the same', async () => {
    for (const stepMs of [3_600_000, -7_200_000]) {
      const { world, store, claimed, isHeld } = await openWorld();
      files += 1;
      time.nowMs += stepMs;
      time.machineMs += 20_000;
      expect(await world.work.listStale(10, null)).toEqual([]);
      expect((await world.row(claimed.row.runId)).leaseExpiresAtMs).toBeGreaterThan(time.nowMs);
      expect(await isHeld()).toBe(true);
      time.machineMs += 29_000;
      expect(await isHeld()).toBe(true);
      time.machineMs += 31_000;
      expect(await isHeld()).toBe(false);
      const [stale] = await world.work.listStale(10, null);
      expect(stale!.row.leaseExpiresAtMs).toBeLessThanOrEqual(stale!.nowMs);
      await store.close();
    }
  });

  it('have run out after a boot, with which the machine’s clock begins anew', async () => {
    const { world, store, isHeld } = await openWorld();
    time.machineMs = 1000;
    time.nowMs += 60_000;
    expect(await isHeld()).toBe(false);
    expect(await world.work.listStale(10, null)).toHaveLength(1);
    await store.close();
  });
});
