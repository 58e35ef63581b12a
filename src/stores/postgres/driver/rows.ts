import type { SqlValue } from '../../sql/value.ts';
import { columnTypesOf } from '../migration/tables.ts';
import { column, type ColumnType } from './cell.ts';
import type { Statement } from './exchange.ts';

/** A row to be written, without its project. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Types that lists of the binary form have no use for are sent as text. */
const sentAs = (type: string): ColumnType =>
  type === 'tsvector' || type === 'boolean' ? 'text' : (type as ColumnType);

/**
 * One statement that inserts rows of one shape under the project of the transaction, by `unnest`: COPY is refused under
 * row-level security. `tail` says what happens to rows that are there.
 */
export function insertRows(table: string, rows: readonly Row[], tail = 'ON CONFLICT DO NOTHING'): Statement {
  const names = Object.keys(rows[0]!);
  const types = columnTypesOf(table);
  const lists = names.map((name, index) => `$${index + 1}::${sentAs(types.get(name)!)}[]`);
  const picked = names.map((name) => {
    const type = types.get(name)!;
    return sentAs(type) === type ? `r.${name}` : `r.${name}::${type}`;
  });
  return {
    sql: `INSERT INTO ${table} (project_key, ${names.join(', ')}) SELECT (SELECT project_key()), ${picked.join(', ')}
      FROM unnest(${lists.join(', ')}) AS r (${names.join(', ')}) ${tail}`,
    values: names.map((name) =>
      column(
        sentAs(types.get(name)!),
        rows.map((row) => row[name]!),
      ),
    ),
  };
}

/** What `insertRows` appends to replace a row with the same key. */
export function replacing(key: readonly string[], row: Row): string {
  const changed = Object.keys(row).filter((name) => !key.includes(name));
  return `ON CONFLICT (project_key, ${key.join(', ')}) DO UPDATE SET ${changed.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}
