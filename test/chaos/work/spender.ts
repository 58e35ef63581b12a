// A program that asks for a budget many times at once. It prints how many of its calls were let out.
import process from 'node:process';
import { isTachographError } from '../../../src/core/error.ts';
import type { BudgetLedger } from '../../../src/core/work/budget-ledger.ts';
import { createBudgets } from '../../../src/runtime/budget/index.ts';
import { openSite } from './site.ts';

/** What it is told by WORK_ORDERS. */
export interface SpenderOrders {
  readonly home: string;
  readonly database: string | null;
  readonly runId: string;
  readonly calls: number;
  readonly tokens: number;
  /** The negative control: looks at what was spent, and reserves what is left by that, without a lock. */
  readonly tokensMaxByLook: number | null;
}

const orders = JSON.parse(process.env['WORK_ORDERS'] ?? '{}') as SpenderOrders;
const site = await openSite(orders);
const { work } = site.parts;

/** Decides by a look, as a cache would. */
function withoutLock(ledger: BudgetLedger, tokensMax: number): BudgetLedger {
  return {
    ...ledger,
    async reserve(projectId, order) {
      const { items } = await ledger.listEntries(projectId, { runId: order.runId }, { limit: 500 });
      const used = items.reduce((sum, { amount }) => sum + amount.tokens, 0);
      if (used + order.amount.tokens > tokensMax) throw new Error('there is no room');
      return await ledger.reserve(projectId, order);
    },
  };
}

const ledger = orders.tokensMaxByLook === null ? work.budgets : withoutLock(work.budgets, orders.tokensMaxByLook);
const budgets = createBudgets({ ...site.parts, work: { ...work, budgets: ledger } }, { prices: null });
const row = (await work.get('default', orders.runId))!;
const gate = budgets.gateFor(row, null);
const answers = await Promise.all(
  Array.from({ length: orders.calls }, async () => {
    try {
      await gate.enter({
        ...{ kind: 'model', runId: row.runId, rootRunId: row.rootRunId, agentId: row.agentId, stepId: null },
        ...{ provider: null, model: null, inputTokens: 0, outputTokensMax: orders.tokens },
      });
      return 'let out';
    } catch (error) {
      if (isTachographError(error)) return error.code;
      throw error;
    }
  }),
);
process.stdout.write(JSON.stringify(answers));
// What was let out is not ended: as of a process that is killed, its reservations stay until they expire.
process.exit(0);
