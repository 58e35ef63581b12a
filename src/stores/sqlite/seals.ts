import { TachographError } from '../../core/error.ts';
import type { Seal } from '../../core/record/seal.ts';
import type { SqlRow } from '../sql/value.ts';
import { parseStored } from '../sql/value.ts';
import type { Database } from './database.ts';

const rowToSeal = (row: SqlRow): Seal => parseStored(row['seal'] as string) as unknown as Seal;

/** Keeps a seal. The same one twice is one; another one under a number that is taken is refused. */
export function putSeal(db: Database, project: number, seal: Seal): void {
  const text = JSON.stringify(seal);
  const taken = db.get('SELECT seal FROM seals WHERE project_key = ? AND number = ?', project, seal.number);
  if (taken === undefined) {
    db.run(
      'INSERT INTO seals (project_key, number, run_id, seal) VALUES (?, ?, ?, ?)',
      project,
      seal.number,
      seal.runId,
      text,
    );
  } else if (taken['seal'] !== text) {
    throw new TachographError(
      'end-conflict',
      `Project ${seal.projectId} has another seal ${seal.number}: read the last seal again and take the next number.`,
    );
  }
}

/** Seals of a project, or of one run, by number; they outlive their runs. */
export function listSeals(db: Database, project: number, runId: string | null): Seal[] {
  const rows =
    runId === null
      ? db.all('SELECT seal FROM seals WHERE project_key = ? ORDER BY number', project)
      : db.all('SELECT seal FROM seals WHERE project_key = ? AND run_id = ? ORDER BY number', project, runId);
  return rows.map(rowToSeal);
}

/** The newest seal of a project, or `null`; also when its run was purged. */
export function lastSeal(db: Database, project: number): Seal | null {
  const row = db.get('SELECT seal FROM seals WHERE project_key = ? ORDER BY number DESC LIMIT 1', project);
  return row === undefined ? null : rowToSeal(row);
}

/** The newest seal of a run, or `null`. */
export function newestSeal(db: Database, project: number, runId: string): Seal | null {
  const row = db.get(
    'SELECT seal FROM seals WHERE project_key = ? AND run_id = ? ORDER BY number DESC LIMIT 1',
    project,
    runId,
  );
  return row === undefined ? null : rowToSeal(row);
}
