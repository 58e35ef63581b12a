import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { type Major, majors, onPostgres } from '../../../../test/postgres/cluster.ts';
import { describeBudgets } from '../../../testing/work/budget-cases.ts';
import { createDatabase, defaultWaits } from '../database.ts';
import { openPool } from '../driver/pool.ts';
import { createPostgresStore } from '../index.ts';
import { createPostgresBudgets } from './budget.ts';

const run = promisify(execFile);

function describeOn(major: Major): void {
  describe(`PostgreSQL ${major}`, () => {
    const { cluster, it } = onPostgres(major);
    describeBudgets(
      'postgres',
      async (nowMs) => {
        const { url } = await cluster().lendDatabase();
        const pool = await openPool({ url, max: 8, connectMs: defaultWaits.connectMs });
        const db = createDatabase({ pool, place: 'test', waits: defaultWaits, prices: null, isOwnPool: true });
        const written: string[] = [];
        const ledger = createPostgresBudgets({
          isForAll: true,
          nowMs,
          readAll: (fn) => fn(db.read('')),
          read: (projectId, fn) => fn(db.read(projectId)),
          write: (projectId, fn) => db.change(projectId, fn),
          keepEntries: (_tx, entries) => void written.push(...entries.map(({ event }) => event.header.type)),
        });
        return { ledger, written: () => written, close: () => db.close() };
      },
      { describe, it },
    );

    it('five processes that spend ten times each on a budget for 7 are let 7 times', async () => {
      const { url } = await cluster().lendDatabase();
      const store = createPostgresStore({ url, poolMax: 2 });
      await store.initialize();
      await store.work!.budgets.putLimit(null, { layer: 'platform', scope: '', nanoUsdMax: null, tokensMax: 7 });
      const program = join(import.meta.dirname, 'spend.fixture.ts');
      const runs = Array.from({ length: 5 }, () => run(process.execPath, [program, url, '10']));
      const admitted = (await Promise.all(runs)).map(({ stdout }) => Number(stdout));
      expect(admitted.reduce((sum, count) => sum + count, 0)).toBe(7);
      expect((await store.work!.budgets.platformBalance())?.used.tokens).toBe(7);
      await store.close();
    });
  });
}

for (const major of majors) describeOn(major);
