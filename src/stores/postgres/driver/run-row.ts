import { hash } from 'node:crypto';
import type { RunView } from '../../../core/model/run.ts';
import type { SqlRow, SqlValue } from '../../sql/value.ts';
import { cellToText, parseStored } from '../../sql/value.ts';
import { rowToRun, runColumns, runToRest, runToValues } from '../../sql/view-row.ts';
import type { Row } from './rows.ts';

/*
 * An index entry holds 2,704 bytes. A name that is longer is cut and told apart by its digest, in columns and in questions
 * alike; beside the columns the row keeps it whole.
 */
const nameBytesMax = 1000;
const nameCharsKept = 200;

/** A name as columns hold it. */
export function toName(text: string): string {
  if (text.length <= nameBytesMax / 3 || Buffer.byteLength(text) <= nameBytesMax) return text;
  return `${text.slice(0, nameCharsKept).toWellFormed()}…${hash('sha256', text)}`;
}

/** A run from its row, which nobody reads after. */
export function toRun(db: { readonly projectId: string }, row: SqlRow): RunView {
  const long = row['long_texts'];
  const whole = long === null ? {} : (parseStored(cellToText(long) ?? '') as SqlRow);
  // No copy: a row has 45 columns, and a list may have hundreds of rows.
  return rowToRun(Object.assign(row, whole, { project_id: db.projectId }));
}

/** A run's row, without its project. */
export function runToRow(run: { readonly key: number; readonly epoch: number }, view: RunView): Row {
  const long: Record<string, string> = {};
  const row: Record<string, SqlValue> = { epoch: run.epoch, key: run.key };
  const values = runToValues(view);
  for (const [index, name] of runColumns.entries()) {
    const value = values[index]!;
    row[name] = typeof value === 'string' ? toName(value) : value;
    if (row[name] !== value) long[name] = value as string;
  }
  row['written_at_ms'] = view.updatedAtMs;
  row['view'] = runToRest(view);
  row['long_texts'] = Object.keys(long).length === 0 ? null : JSON.stringify(long);
  return row;
}
