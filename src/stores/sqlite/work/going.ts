import type { ErasedPart } from '../../../core/life/erased-part.ts';
import type { RunKey } from '../contents.ts';
import type { Database } from '../database.ts';
import { dropWords } from './change.ts';

/** Runs that no retention may drop: those that have not ended, and those of which something waits to be filed. */
export const isOpenWork = `(EXISTS (SELECT 1 FROM work w WHERE w.project_key = r.project_key AND w.run_id = r.id AND w.finished_at_ms IS NULL)
  OR EXISTS (SELECT 1 FROM work_entries e WHERE e.project_key = r.project_key AND e.run_id = r.id))`;

/** Drops what is left of a run as work when the run itself is purged, its key with it. */
export function dropWork(db: Database, { project, id }: Pick<RunKey, 'project' | 'id'>): void {
  const row = db.get('DELETE FROM work WHERE project_key = ? AND run_id = ? RETURNING key, key_digest', project, id);
  if (row === undefined) return;
  dropWords(db, row['key'] as number);
  if (row['key_digest'] !== null)
    db.run('DELETE FROM work_keys WHERE project_key = ? AND digest = ?', project, row['key_digest']!);
}

/**
 * Forgets what rests word for word of an ended run that was kept to be driven again, or of some of its steps. What an open
 * run needs goes when it ends.
 */
export function eraseWork(
  db: Database,
  { project, id }: Pick<RunKey, 'project' | 'id'>,
  part: ErasedPart | null,
): void {
  const ended = 'SELECT key FROM work WHERE project_key = ? AND run_id = ? AND finished_at_ms IS NOT NULL';
  const key = db.get(ended, project, id)?.['key'] as number | undefined;
  if (key === undefined) return;
  if (part === null) dropWords(db, key);
  else
    for (const stepId of part.stepIds) db.run('DELETE FROM work_memos WHERE work_key = ? AND step_id = ?', key, stepId);
}
