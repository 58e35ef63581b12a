import type { Annotation } from '../../core/store.ts';
import type { SqlRow } from './value.ts';
import { cellToText, toMalformed } from './value.ts';
import { createCellReader } from './view-shape.ts';

const kinds: readonly Annotation['kind'][] = ['score', 'note', 'label', 'pin'];

/** A stored value, or `{error, raw}` as text where it is none. */
function cellToValue(cell: unknown): Annotation['value'] {
  if (cell === null) return null;
  const raw = cellToText(cell) ?? '';
  try {
    const value: unknown = JSON.parse(raw);
    if (typeof value === 'number' || typeof value === 'string') return value;
  } catch {
    return JSON.stringify(toMalformed(raw));
  }
  return JSON.stringify(toMalformed(raw));
}

/** An annotation from its columns. What is malformed shows as such. */
export function rowToAnnotation(row: SqlRow): Annotation {
  const cells = createCellReader(row);
  return {
    id: row['id'] as string,
    runId: row['run_id'] as string,
    stepId: cells.textOrNull('step_id'),
    kind: cells.listed('kind', kinds, 'note'),
    name: cells.textOrNull('name'),
    value: cellToValue(row['value']),
    author: cells.textOrNull('author'),
    createdAtMs: cells.number('created_at_ms'),
    updatedAtMs: cells.number('updated_at_ms'),
  };
}
