import { unknownKey } from '../../core/query/totals.ts';
import type { StoreReader, TotalsRow } from '../../core/store.ts';
import { rankColumns, rowToTotals } from '../sql/totals-row.ts';
import type { SqlValue } from '../sql/value.ts';
import { usageColumns } from '../sql/view-row.ts';
import type { Database } from './database.ts';

/** How totals are asked for. */
export type TotalsOptions = Parameters<StoreReader['totals']>[1];

// `total` never overflows where `sum` fails, over a number that somebody put there; nothing reported stays nothing (I12).
const usageSums = usageColumns
  .map((name) => `CASE WHEN count(${name}) = 0 THEN NULL ELSE total(${name}) END AS ${name}`)
  .join(', ');

// Sums as REAL: an integer sum of nano-USD could leave what a JavaScript number holds exactly, and would throw.
const runParts = (key: string): string => `
  SELECT ${key} AS key, r.key AS run_key, r.step_count AS steps, r.error_count AS errors, r.unpriced AS unpriced,
    r.cost_known_nano_usd AS cost, r.duration_ms AS duration_ms, ${usageColumns.map((name) => `r.${name} AS ${name}`).join(', ')}
  FROM runs r WHERE `;

const stepParts = `
  SELECT coalesce(s.model, s.requested_model, '${unknownKey}') AS key, s.run_key AS run_key, 1 AS steps, s.status = 'error' AS errors,
    s.status <> 'in_progress' AND s.cost_nano_usd IS NULL AS unpriced, coalesce(s.cost_nano_usd, 0) AS cost, s.duration_ms AS duration_ms,
    ${usageColumns.map((name) => `s.${name} AS ${name}`).join(', ')}
  FROM runs r CROSS JOIN steps s ON s.run_key = r.key WHERE s.kind = 'model' AND `;

const partsBy: Record<TotalsOptions['by'], string> = {
  model: stepParts,
  agent: runParts('r.agent_id'),
  day: runParts("strftime('%Y-%m-%d', r.sort_ms / 1000.0, 'unixepoch')"),
};

/** Totals of the runs started in the range, one row for each group, by key. */
export function readTotals(db: Database, project: number, options: TotalsOptions): TotalsRow[] {
  const { by, sinceMs = null, untilMs = null } = options;
  const where = `r.project_key = ? AND (? OR r.dry_run = 0)
    ${sinceMs === null ? '' : 'AND r.sort_ms >= ?'} ${untilMs === null ? '' : 'AND r.sort_ms < ?'}`;
  const values: SqlValue[] = [project, options.includeDryRun === true ? 1 : 0];
  for (const bound of [sinceMs, untilMs]) if (bound !== null) values.push(bound);
  const parts = `WITH parts AS (${partsBy[by]}${where})`;
  const sums = db.all(
    `${parts} SELECT key, count(DISTINCT run_key) AS runs, total(steps) AS steps, total(errors) AS errors, total(unpriced) AS unpriced,
       total(cost) AS cost, ${usageSums} FROM parts GROUP BY key ORDER BY key`,
    ...values,
  );
  const durations = db.all(
    `${parts}, ranked AS (SELECT key, duration_ms, row_number() OVER (PARTITION BY key ORDER BY duration_ms) AS place,
         count(*) OVER (PARTITION BY key) AS n FROM parts WHERE duration_ms IS NOT NULL)
     SELECT key, ${rankColumns('max')} FROM ranked GROUP BY key`,
    ...values,
  );
  const durationsByKey = new Map(durations.map((row) => [row['key'], row]));
  return sums.map((row) => rowToTotals(row, durationsByKey.get(row['key']!)));
}
