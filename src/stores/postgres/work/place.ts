import type { Database, Session, Transaction } from '../database.ts';
import { type Cell, column, type ColumnType } from '../driver/cell.ts';
import type { SqlValue } from '../../sql/value.ts';
import type { Given } from '../migration/work-functions.ts';

/** How a store lends its database to its runs as work. */
export interface WorkPlace {
  /** Whether the store serves all projects. */
  readonly isForAll: boolean;
  /** The project that a question about all of them is asked in. */
  readonly ownProjectId: string;
  /** Sees to it that what processes that ended left to be filed is filed. */
  noteUnfiled(): Promise<void>;
  read(projectId: string): Session;
  /** The database, for a call about a project that this store writes into. */
  reach(projectId: string): Database;
  /** Sees to it that contents of these weeks have a place. */
  ensureWeeks(epochs: Iterable<number>): Promise<void>;
  /** Something of a project was changed, and is to be told and filed. */
  note(projectId: string): void;
  /** A transaction about one project; rings, and files what it left to be filed, when it has been committed. */
  change<T>(projectId: string, fn: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The same of what nobody waits for and nothing is to be filed of. */
  quietly<T>(projectId: string, fn: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** Rows of the project of the session. */
export const ours = 'project_key = (SELECT project_key())';

/** Rows as lists, one for each thing that a function is given. */
export function rowsToLists(given: readonly Given[], rows: readonly (readonly SqlValue[])[]): Cell[] {
  return given.map(([, type], index) =>
    column(
      type as ColumnType,
      rows.map((row) => row[index]!),
    ),
  );
}

/** Calls a function with so many values. */
export function callOf(name: string, values: readonly unknown[]): string {
  return `SELECT * FROM ${name}(${values.map((_value, index) => `$${index + 1}`).join(', ')})`;
}
