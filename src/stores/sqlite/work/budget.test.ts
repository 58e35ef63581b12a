import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describeBudgets } from '../../../testing/work/budget-cases.ts';
import type { Database } from '../database.ts';
import { openDatabase } from '../database.ts';
import { budgetTables } from './budget-tables.ts';
import { openSqliteStore } from '../index.ts';
import { createSqliteBudgets } from './budget.ts';

const run = promisify(execFile);

describeBudgets(
  'sqlite',
  async (nowMs) => {
    const db = openDatabase(':memory:', 0);
    db.exec(budgetTables);
    const written: string[] = [];
    const ledger = createSqliteBudgets({
      nowMs,
      read: async (fn) => fn(db),
      write: async <T>(fn: (of: Database) => T) => db.transaction(() => fn(db)),
      keepEntries: (_db, _projectId, entries) => void written.push(...entries.map(({ event }) => event.header.type)),
    });
    return { ledger, written: () => written, close: async () => db.close() };
  },
  { describe, it },
);

describe('budgets of several processes', () => {
  it('five that spend ten times each on a budget for 7 are let 7 times', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tachograph-budget-'));
    try {
      const file = join(folder, 'store.db');
      const store = openSqliteStore({ file });
      await store.initialize();
      await store.work!.budgets.putLimit('shop', { layer: 'project', scope: '', nanoUsdMax: 7, tokensMax: null });
      const program = join(import.meta.dirname, 'spend.fixture.ts');
      const runs = Array.from({ length: 5 }, () => run(process.execPath, [program, file, '10']));
      const admitted = (await Promise.all(runs)).map(({ stdout }) => Number(stdout));
      expect(admitted.reduce((sum, count) => sum + count, 0)).toBe(7);
      expect((await store.work!.budgets.listEntries('shop', {}, {})).items.length).toBe(7);
      await store.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
