import { describe, it } from 'vitest';
import { describeBudgets } from '../../../testing/work/budget-cases.ts';
import { createMemoryBudgets } from './budget.ts';

describeBudgets(
  'memory',
  async (nowMs) => {
    const written: string[] = [];
    const ledger = createMemoryBudgets({
      clock: { nowMs, monotonicMs: nowMs },
      use: async (fn) => fn(),
      importEntries: (_projectId, entries) => void written.push(...entries.map(({ event }) => event.header.type)),
    });
    return { ledger, written: () => written, close: async () => undefined };
  },
  { describe, it },
);
