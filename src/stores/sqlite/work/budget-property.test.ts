import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BudgetLedger } from '../../../core/work/budget-ledger.ts';
import type { BudgetEntry } from '../../../core/work/budget/entry.ts';
import { createMemoryBudgets } from '../../memory/work/budget.ts';
import type { Database } from '../database.ts';
import { openDatabase } from '../database.ts';
import { budgetTables } from './budget-tables.ts';
import { createSqliteBudgets } from './budget.ts';

/*
 * Any orders in any order: what the ledger says was spent is the sum of its entries; a reservation counts what was reserved,
 * what was spent, or nothing; and nothing was ever admitted past the limit.
 */

type Order =
  | { readonly kind: 'reserve'; readonly nanoUsd: number; readonly tokens: number }
  | { readonly kind: 'settle'; readonly which: number; readonly nanoUsd: number; readonly tokens: number }
  | { readonly kind: 'release'; readonly which: number }
  | { readonly kind: 'expire'; readonly afterMs: number };

const small = fc.integer({ min: 0, max: 40 });
const which = fc.nat(30);
const order: fc.Arbitrary<Order> = fc.oneof(
  fc.record({ kind: fc.constant('reserve' as const), nanoUsd: small, tokens: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('settle' as const), which, nanoUsd: small, tokens: small }),
  fc.record({ kind: fc.constant('release' as const), which }),
  fc.record({ kind: fc.constant('expire' as const), afterMs: fc.integer({ min: 0, max: 80 }) }),
);

const limit = { nanoUsdMax: 150, tokensMax: 200 };
const runId = '00000000-0000-7000-8000-00000000000a';
const spender = { runId, agentId: 'support', caller: null };
const idOf = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;

interface Open {
  readonly ledger: BudgetLedger;
  close(): void;
}

const stores: readonly (readonly [string, (nowMs: () => number) => Open])[] = [
  [
    'memory',
    (nowMs) => ({
      ledger: createMemoryBudgets({
        clock: { nowMs, monotonicMs: nowMs },
        use: async (fn) => fn(),
        importEntries: () => undefined,
      }),
      close: () => undefined,
    }),
  ],
  [
    'sqlite',
    (nowMs) => {
      const db = openDatabase(':memory:', 0);
      db.exec(budgetTables);
      const ledger = createSqliteBudgets({
        nowMs,
        read: async (fn) => fn(db),
        write: async <T>(fn: (of: Database) => T) => db.transaction(() => fn(db)),
        keepEntries: () => undefined,
      });
      return { ledger, close: () => db.close() };
    },
  ],
];

/** Fails when a reservation was admitted that there was no room for. */
function checkAdmissions(entries: readonly BudgetEntry[]): void {
  let [nanoUsd, tokens] = [0, 0];
  for (const { kind, amount } of entries) {
    nanoUsd += amount.nanoUsd ?? 0;
    tokens += amount.tokens;
    if (kind !== 'reserve') continue;
    expect(nanoUsd).toBeLessThanOrEqual(limit.nanoUsdMax);
    expect(tokens).toBeLessThanOrEqual(limit.tokensMax);
  }
}

describe.each(stores)('the ledger in %s', (_name, open) => {
  test('balances under any orders that come together', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(order, { maxLength: 6 }), { maxLength: 12 }), async (rounds) => {
        let nowMs = Date.UTC(2026, 10, 21, 12);
        let made = 0;
        const { ledger, close } = open(() => nowMs);
        await ledger.putLimit('shop', { layer: 'run', scope: '*', ...limit });
        const spentById = new Map<string, number>();
        const apply = async (one: Order): Promise<void> => {
          if (one.kind === 'expire') nowMs += one.afterMs;
          if (one.kind === 'expire') return void (await ledger.expire(3, () => []));
          if (one.kind === 'reserve') {
            const { nanoUsd, tokens } = one;
            const reservationId = idOf((made += 1));
            const hold = { reservationId, rootRunId: runId, stepId: null, holdMs: 100, entries: [] };
            return void (await ledger.reserve('shop', { ...spender, ...hold, amount: { nanoUsd, tokens } }));
          }
          const reservationId = idOf(one.which);
          if (one.kind === 'release') return void (await ledger.release('shop', { reservationId, entries: [] }));
          const spent = { nanoUsd: one.nanoUsd, tokens: one.tokens };
          if (await ledger.settle('shop', { reservationId, spent, entries: [] }))
            spentById.set(reservationId, spent.tokens);
        };
        for (const round of rounds) await Promise.all(round.map(apply));
        const entries = (await ledger.listEntries('shop', {}, { limit: 500 })).items.toReversed();
        const [standing] = await ledger.balance('shop', spender);
        expect(standing!.used).toEqual({
          nanoUsd: entries.reduce((sum, { amount }) => sum + (amount.nanoUsd ?? 0), 0),
          tokens: entries.reduce((sum, { amount }) => sum + amount.tokens, 0),
        });
        checkAdmissions(entries);
        for (const first of entries.filter(({ kind }) => kind === 'reserve')) {
          const own = entries.filter(({ reservationId }) => reservationId === first.reservationId);
          const counted = own.reduce((sum, { amount }) => sum + amount.tokens, 0);
          const spent = spentById.get(first.reservationId);
          expect(counted).toBe(spent ?? (own.length === 1 ? first.amount.tokens : 0));
          expect(new Set(own.map(({ kind }) => kind)).size).toBe(own.length);
        }
        close();
      }),
      { numRuns: 60 },
    );
  });
});
