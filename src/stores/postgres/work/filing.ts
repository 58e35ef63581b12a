import type { SqlRow } from '../../sql/value.ts';
import { cellToBytes } from '../../sql/value.ts';
import { frameToEntries } from '../../sql/work/entry-frame.ts';
import type { JournalEntry } from '../../../core/journal.ts';
import type { Session } from '../database.ts';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';
import { ours } from './place.ts';

/*
 * Entries of changes wait in `work_entries` until they are imported. Whoever imports a run holds its lock, takes what waits
 * of it out first, and imports it in the same transaction: so they come into the views in the order of the changes, once,
 * however many processes file at the same time.
 *
 *   change ─► work_entries ─► by itself within 25 ms, by `file`, or by an import that touches the run ─► views
 */

/** Runs of a project that have entries waiting, and the weeks that they live in. */
export interface Unfiled {
  readonly runIds: readonly string[];
  readonly epochs: readonly number[];
  /** There may be more. */
  readonly isFull: boolean;
}

const rowsAtOnce = 1500;

/** The next runs with entries that wait, or the one that is named. */
export async function findUnfiled(db: Session, runId: string | null): Promise<Unfiled> {
  const rows = await db.all(
    `SELECT run_id, epoch, count(*)::int4 AS count FROM (SELECT run_id, epoch FROM work_entries WHERE ${ours}${runId === null ? '' : ' AND run_id = $1'}
       ORDER BY run_id, key LIMIT ${rowsAtOnce}) e GROUP BY run_id, epoch`,
    ...(runId === null ? [] : [runId]),
  );
  return {
    runIds: [...new Set(rows.map((row) => row['run_id'] as string))],
    epochs: [...new Set(rows.map((row) => row['epoch'] as number))],
    isFull: rows.reduce((sum, row) => sum + (row['count'] as number), 0) >= rowsAtOnce,
  };
}

/** Takes out what waits of some runs. To be sent once their locks are held. */
export const takeEntries = (runIds: readonly string[]): Statement => ({
  sql: `DELETE FROM work_entries WHERE ${ours} AND run_id = ANY ($1::text[]) RETURNING key, entries`,
  values: [column('text', runIds)],
});

/** The entries that were taken, in the order of the changes. */
export function rowsToEntries(rows: readonly SqlRow[]): JournalEntry[] {
  return rows
    .toSorted((a, b) => (a['key'] as number) - (b['key'] as number))
    .flatMap((row) => frameToEntries(cellToBytes(row['entries'])));
}

/** One process files a project by itself at a time; others leave it to that one and come again. */
export const tryFiling: Statement = {
  sql: `SELECT pg_try_advisory_xact_lock(hashtext('tachograph.filing'), (SELECT project_key())) AS is_mine`,
};
