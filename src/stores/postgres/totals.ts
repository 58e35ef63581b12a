import type { StoreReader, TotalsRow } from '../../core/store.ts';
import { unknownKey } from '../../core/query/totals.ts';
import type { SqlValue } from '../sql/value.ts';
import { rankColumns, rowToTotals } from '../sql/totals-row.ts';
import { usageColumns } from '../sql/view-row.ts';
import type { Session } from './database.ts';

/** How totals are asked for. */
export type TotalsOptions = Parameters<StoreReader['totals']>[1];

// A sum over nothing reported is NULL (I12).
const usageSums = usageColumns.map((name) => `sum(${name}) AS ${name}`).join(', ');

const runParts = (key: string): string => `
  SELECT ${key} AS key, r.key AS run_key, r.step_count AS steps, r.error_count AS errors, r.unpriced AS unpriced,
    r.cost_known_nano_usd AS cost, r.duration_ms AS duration_ms, ${usageColumns.map((name) => `r.${name} AS ${name}`).join(', ')}
  FROM runs r WHERE `;

const stepParts = `
  SELECT coalesce(s.model, s.requested_model, '${unknownKey}') AS key, s.run_key AS run_key, 1::float8 AS steps,
    (s.status = 'error')::int AS errors, (s.status <> 'in_progress' AND s.cost_nano_usd IS NULL)::int AS unpriced,
    coalesce(s.cost_nano_usd, 0) AS cost, s.duration_ms AS duration_ms, ${usageColumns.map((name) => `s.${name} AS ${name}`).join(', ')}
  FROM runs r JOIN steps s ON s.project_key = r.project_key AND s.epoch = r.epoch AND s.run_key = r.key WHERE s.kind = 'model' AND `;

const partsBy: Record<TotalsOptions['by'], string> = {
  model: stepParts,
  agent: runParts('r.agent_id'),
  day: runParts(`to_char(to_timestamp(r.sort_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')`),
};

/** Totals of the runs started in the range, one row for each group, by key. */
export async function readTotals(db: Session, options: TotalsOptions): Promise<TotalsRow[]> {
  const { by, sinceMs = null, untilMs = null } = options;
  const where = `r.project_key = (SELECT project_key()) AND ($1::int4 = 1 OR r.dry_run = 0)
    AND ($2::float8 IS NULL OR r.sort_ms >= $2) AND ($3::float8 IS NULL OR r.sort_ms < $3)`;
  const values: SqlValue[] = [options.includeDryRun === true ? 1 : 0, sinceMs, untilMs];
  const parts = `WITH parts AS (${partsBy[by]}${where})`;
  const sums = await db.all(
    `${parts} SELECT key, count(DISTINCT run_key) AS runs, sum(steps)::float8 AS steps, sum(errors)::float8 AS errors,
       sum(unpriced)::float8 AS unpriced, sum(cost) AS cost, ${usageSums} FROM parts GROUP BY key ORDER BY key COLLATE "C"`,
    ...values,
  );
  const durations = await db.all(
    `${parts}, ranked AS (SELECT key, duration_ms, row_number() OVER (PARTITION BY key ORDER BY duration_ms) AS place,
         count(*) OVER (PARTITION BY key) AS n FROM parts WHERE duration_ms IS NOT NULL)
     SELECT key, ${rankColumns('greatest')} FROM ranked GROUP BY key`,
    ...values,
  );
  const durationsByKey = new Map(durations.map((row) => [row['key'], row]));
  return sums.map((row) => rowToTotals(row, durationsByKey.get(row['key']!)));
}
