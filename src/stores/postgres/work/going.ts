import type { ErasedPart } from '../../../core/life/erased-part.ts';
import { endedList } from '../../sql/work/work-row.ts';
import type { Transaction } from '../database.ts';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';
import { ours } from './place.ts';

/** Runs that no retention may drop: those that have not ended, and those of which something waits to be filed. */
export const isOpenWork = `(EXISTS (SELECT 1 FROM work w WHERE w.${ours} AND w.run_id = r.id AND w.finished_at_ms IS NULL)
  OR EXISTS (SELECT 1 FROM work_entries e WHERE e.${ours} AND e.run_id = r.id))`;

/** Statements that drop what is left of runs as work when the runs themselves are purged, their keys with them. */
export function dropWork(runIds: readonly string[]): Statement[] {
  const runs = column('text', runIds);
  const ofRuns = `${ours} AND run_id = ANY ($1::text[])`;
  return [
    `DELETE FROM work_keys WHERE ${ours} AND digest = ANY (ARRAY(SELECT key_digest FROM work WHERE ${ofRuns}))`,
    ...['work', 'work_orders', 'work_memos', 'work_signals'].map((table) => `DELETE FROM ${table} WHERE ${ofRuns}`),
  ].map((sql) => ({ sql, values: [runs] }));
}

/**
 * Forgets what rests word for word of an ended run that was kept to be driven again, or of some of its steps. What an open
 * run needs goes when it ends.
 */
export function eraseWork(tx: Transaction, runId: string, part: ErasedPart | null): void {
  const ended = `${ours} AND run_id = $1 AND EXISTS (SELECT 1 FROM work WHERE ${ours} AND run_id = $1 AND state IN ${endedList})`;
  if (part !== null) {
    const steps = column('text', [...part.stepIds]);
    tx.put(`DELETE FROM work_memos WHERE ${ended} AND step_id = ANY ($2::text[])`, runId, steps);
    return;
  }
  for (const table of ['work_orders', 'work_memos', 'work_signals'])
    tx.put(`DELETE FROM ${table} WHERE ${ended}`, runId);
}
