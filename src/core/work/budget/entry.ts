import type { Amount, Spender } from './limit.ts';

/*
 * The life of one reservation, as entries of the ledger. What it counts is the sum of their amounts:
 *
 *   reserve (+ reserved) ─┬─► settle  (what was spent − what it counted)
 *                         ├─► release (− reserved)
 *                         └─► expire  (− reserved) ──► settle (+ what was spent): late, and still counted
 */

/** What an entry of the ledger tells. */
export const entryKinds = ['reserve', 'settle', 'release', 'expire'] as const;

/** One of the kinds. */
export type EntryKind = (typeof entryKinds)[number];

/** One line of the ledger. Written once, never changed. */
export interface BudgetEntry extends Spender {
  readonly rootRunId: string;
  readonly reservationId: string;
  readonly kind: EntryKind;
  readonly stepId: string | null;
  /** When it was written, and for which time it counts: that of the reservation. Unix milliseconds of the store's clock. */
  readonly atMs: number;
  readonly countsAtMs: number;
  /** What it adds to the sum; may be negative. Nano-USD `null`: the price is not known. */
  readonly amount: Amount;
}

/** What a reservation counts by its entries; `null` nano-USD when none of them has a price. */
export function entriesToAmount(entries: readonly BudgetEntry[]): Amount {
  const isPriced = entries.some(({ amount }) => amount.nanoUsd !== null);
  return {
    nanoUsd: isPriced ? entries.reduce((sum, { amount }) => sum + (amount.nanoUsd ?? 0), 0) : null,
    tokens: entries.reduce((sum, { amount }) => sum + amount.tokens, 0),
  };
}

const isOver = (entries: readonly BudgetEntry[]): boolean =>
  entries.some(({ kind }) => kind === 'settle' || kind === 'release');

const follow = (entries: readonly BudgetEntry[], kind: EntryKind, atMs: number, amount: Amount): BudgetEntry => ({
  ...entries[0]!,
  kind,
  atMs,
  amount,
});

/**
 * The entry that makes a reservation count what was spent; `null` when it was settled or released before, or never made. A
 * cost that nobody knows counts as what was reserved.
 */
export function nextSettle(entries: readonly BudgetEntry[], spent: Amount, atMs: number): BudgetEntry | null {
  if (entries.length === 0 || isOver(entries)) return null;
  const now = entriesToAmount(entries);
  const reserved = entries[0]!.amount.nanoUsd;
  const nanoUsd = spent.nanoUsd ?? reserved;
  return follow(entries, 'settle', atMs, {
    nanoUsd: nanoUsd === null ? null : nanoUsd - (now.nanoUsd ?? 0),
    tokens: spent.tokens - now.tokens,
  });
}

/** The entry that takes a reservation back; `null` when nothing of it is left to take. */
export function nextRelease(
  entries: readonly BudgetEntry[],
  kind: 'release' | 'expire',
  atMs: number,
): BudgetEntry | null {
  if (entries.length === 0 || isOver(entries) || entries.some((entry) => entry.kind === 'expire')) return null;
  const { nanoUsd, tokens } = entriesToAmount(entries);
  return follow(entries, kind, atMs, { nanoUsd: nanoUsd === null ? null : 0 - nanoUsd, tokens: 0 - tokens });
}
