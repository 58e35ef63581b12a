import type { SqlValue } from '../../sql/value.ts';

/*
 * Statements that PostgreSQL keeps by name: it reads and analyses them once for a connection instead of with every call,
 * and what columns they give need not be asked again. A sixth of its time for a run of two steps went there (2026-11-21).
 *
 * A name belongs to a connection of the server. Behind a pooler each transaction may have another one, so names are given
 * only where the process that answers is the one that greeted us: a pooler greets with a number of its own.
 */

/** How the columns of an answer are read. */
export interface Fields {
  readonly names: readonly string[];
  readonly parsers: readonly ((text: string) => SqlValue)[];
}

/** A statement that goes by a name on one connection. */
export interface Named {
  readonly name: string;
  /** `null` until an answer has shown that the server knows it. */
  fields: Fields | null;
}

/** The names of one connection. */
export interface StatementNames {
  /** Whether the connection leads straight to its server; `null` until an answer has told. */
  isDirect: boolean | null;
  readonly namedBySql: Map<string, Named>;
}

// What the server holds for a name is up to 100 kB in every connection: texts that are made anew must not fill it.
const namesMax = 128;

/** Names for a connection nothing is known of yet. */
export const createStatementNames = (): StatementNames => ({ isDirect: null, namedBySql: new Map() });

/** The name a statement goes by on this connection, or `null` when it goes without one. */
export function nameOf({ isDirect, namedBySql }: StatementNames, sql: string): Named | null {
  if (isDirect !== true) return null;
  const known = namedBySql.get(sql);
  if (known !== undefined) return known;
  if (namedBySql.size >= namesMax) return null;
  const named = { name: `tachograph_${namedBySql.size}`, fields: null };
  namedBySql.set(sql, named);
  return named;
}

/** Whoever deallocated them or changed a table: they are told to the server again. */
export function forgetNames({ namedBySql }: StatementNames): void {
  for (const named of namedBySql.values()) named.fields = null;
}
