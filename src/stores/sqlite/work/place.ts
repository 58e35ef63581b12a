import type { WorkRow } from '../../../core/work/work.ts';
import type { SqlRow } from '../../sql/value.ts';
import { rowToWork } from '../../sql/work/work-row.ts';
import type { Database } from '../database.ts';
import { type LeaseClock, type Reading, shownLease } from './clock.ts';

/** How a store lends its database to its runs as work. */
export interface WorkPlace {
  readonly clock: LeaseClock;
  read<T>(fn: (db: Database) => T): Promise<T>;
  /** One transaction; what it leaves to be filed of the project is filed when it has been committed. */
  write<T>(projectId: string, fn: (db: Database) => T): Promise<T>;
  /** Something of a project is to be filed, once the transaction that is open is committed. */
  note(projectId: string): void;
  /** A transaction that leaves nothing to be filed. */
  quietly<T>(fn: (db: Database) => T): Promise<T>;
}

/** A row and what of it is the store's own. */
export interface FoundRow {
  readonly key: number;
  readonly row: WorkRow;
  readonly cells: SqlRow;
}

/** A row as it is seen at a reading of the clocks. */
export function cellsToRow(projectId: string, cells: SqlRow, at: Reading): WorkRow {
  const row = rowToWork(projectId, cells);
  return row.leaseExpiresAtMs === null ? row : { ...row, leaseExpiresAtMs: shownLease(cells, at) };
}

/** A run of a project, or `null`. */
export function findRow(
  db: Database,
  project: { readonly key: number | null; readonly id: string },
  runId: string,
  at: Reading,
): FoundRow | null {
  if (project.key === null) return null;
  const cells = db.get('SELECT * FROM work WHERE project_key = ? AND run_id = ?', project.key, runId);
  return cells === undefined ? null : { key: cells['key'] as number, row: cellsToRow(project.id, cells, at), cells };
}
