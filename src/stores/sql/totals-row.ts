import { errorRateOf } from '../../core/query/totals.ts';
import type { TotalsRow } from '../../core/store.ts';
import type { SqlRow } from './value.ts';
import { rowToUsage } from './view-row.ts';

/** One row of totals from its sums and its durations. */
export function rowToTotals(row: SqlRow, durations: SqlRow | undefined): TotalsRow {
  const steps = row['steps'] as number;
  const errors = row['errors'] as number;
  const costKnownNanoUsd = row['cost'] as number;
  return {
    key: row['key'] as string,
    runs: row['runs'] as number,
    steps,
    errors,
    errorRate: errorRateOf(steps, errors),
    usage: rowToUsage(row),
    costNanoUsd: (row['unpriced'] as number) > 0 ? null : costKnownNanoUsd,
    costKnownNanoUsd,
    durationP50Ms: (durations?.['p50'] as number | null | undefined) ?? null,
    durationP90Ms: (durations?.['p90'] as number | null | undefined) ?? null,
    durationP99Ms: (durations?.['p99'] as number | null | undefined) ?? null,
  };
}

/**
 * Columns with the percentiles of durations that have a `place` among `n`. The nearest rank: the ceil(n·p/100)-th of n, in
 * whole numbers. `larger` is the dialect's name for the larger of two numbers.
 */
export function rankColumns(larger: 'max' | 'greatest'): string {
  return [50, 90, 99]
    .map(
      (percent) =>
        `max(CASE WHEN place = ${larger}(1, (n * ${percent} + 99) / 100) THEN duration_ms END) AS p${percent}`,
    )
    .join(', ');
}
