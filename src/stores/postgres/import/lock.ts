import { hash } from 'node:crypto';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';

/** Locks are taken by stripe, so that a batch of many runs takes few, and in order, so that none waits in a circle. */
const stripes = 128;

/** A statement that takes the locks of runs until the end of the transaction. */
export function lockRuns(runIds: readonly string[]): Statement {
  const places = new Set(runIds.map((id) => hash('sha256', id, 'buffer')[0]! % stripes));
  const ordered = [...places].sort((a, b) => a - b);
  return {
    sql: `SELECT pg_advisory_xact_lock(hashtext('tachograph.run.' || current_setting('tachograph.project')), stripe) FROM unnest($1::int4[]) AS stripe`,
    values: [column('int4', ordered)],
  };
}

const slots = 16;

/** Counts a change. By slots, so that two transactions seldom wait for each other's commit. */
export const countChange: Statement = {
  sql: `INSERT INTO changes (project_key, slot, count) VALUES ((SELECT project_key()), pg_backend_pid() % ${slots}, 1)
    ON CONFLICT (project_key, slot) DO UPDATE SET count = changes.count + 1`,
};

/** Makes the project when it is new. */
export const ensureProject: Statement = {
  sql: `INSERT INTO projects (id) SELECT current_setting('tachograph.project')
    WHERE NOT EXISTS (SELECT 1 FROM projects WHERE id = current_setting('tachograph.project')) ON CONFLICT DO NOTHING`,
};
