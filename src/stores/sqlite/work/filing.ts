import type { JournalEntry } from '../../../core/journal.ts';
import { cellToBytes } from '../../sql/value.ts';
import { frameToEntries } from '../../sql/work/entry-frame.ts';
import type { Database } from '../database.ts';

/** Takes out what waits of a run, in order, to be imported in the transaction that is open. */
export function takeEntries(db: Database, project: number, runId: string): JournalEntry[] {
  const rows = db.all(
    'SELECT entries FROM work_entries WHERE project_key = ? AND run_id = ? ORDER BY key',
    project,
    runId,
  );
  if (rows.length === 0) return [];
  db.run('DELETE FROM work_entries WHERE project_key = ? AND run_id = ?', project, runId);
  return rows.flatMap((row) => frameToEntries(cellToBytes(row['entries'])));
}

const rowsAtOnce = 200;

/** The next runs of a project with entries that wait, those that have waited longest, or the one that is named. */
export function findUnfiled(
  db: Database,
  project: number,
  runId: string | null,
): { readonly runIds: readonly string[]; readonly isFull: boolean } {
  if (runId !== null) {
    const sql = 'SELECT 1 AS one FROM work_entries WHERE project_key = ? AND run_id = ? LIMIT 1';
    return { runIds: db.get(sql, project, runId) === undefined ? [] : [runId], isFull: false };
  }
  const rows = db.all(
    'SELECT run_id FROM work_entries WHERE project_key = ? ORDER BY key LIMIT ?',
    project,
    rowsAtOnce,
  );
  return { runIds: [...new Set(rows.map((row) => row['run_id'] as string))], isFull: rows.length === rowsAtOnce };
}

/** Projects with entries that wait. */
export function unfiledProjects(db: Database): string[] {
  return db
    .all(
      'SELECT id FROM projects p WHERE EXISTS (SELECT 1 FROM work_entries e WHERE e.project_key = p.key) ORDER BY id',
    )
    .map((row) => row['id'] as string);
}
