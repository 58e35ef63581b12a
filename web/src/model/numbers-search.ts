import type { TotalsRow } from '../api/wire.ts';

/** What the totals are grouped by. */
export const groupings = ['model', 'agent', 'day'] as const;

/** One of the groupings. */
export type Grouping = (typeof groupings)[number];

/** The state of the numbers' page as its address shows it. */
export interface NumbersSearch {
  readonly by?: Grouping;
  /** `1h`, `24h`, `7d` before now, or an ISO time; absent is all time. */
  readonly since?: string;
}

/** Reads the page's state from an address; unknown fields are left out. */
export function parseNumbersSearch(raw: Readonly<Record<string, unknown>>): NumbersSearch {
  const by = groupings.find((grouping) => grouping === raw['by']);
  const since = typeof raw['since'] === 'string' && raw['since'] !== '' ? raw['since'] : undefined;
  return { ...(by === undefined ? {} : { by }), ...(since === undefined ? {} : { since }) };
}

/** Cache reads as a share of all input tokens; `null` when either was not reported (I12) or there was no input. */
export function toCacheRate(row: TotalsRow): number | null {
  const { cacheRead, total } = row.usage.input;
  return cacheRead === null || total === null || total === 0 ? null : cacheRead / total;
}

/** A share as percent: `0 %`, `0.4 %`, `12 %`; `n/a` when unknown. */
export function toPercent(share: number | null): string {
  if (share === null) return 'n/a';
  const percent = share * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}
