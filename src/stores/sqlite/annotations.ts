import { TachographError } from '../../core/error.ts';
import type { Annotation } from '../../core/store.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToText, toMalformed } from '../sql/value.ts';
import { createCellReader } from '../sql/view-shape.ts';
import type { Database } from './database.ts';

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

function rowToAnnotation(row: SqlRow): Annotation {
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

/** Writes an annotation in place of one with its id; the first creation time stands. `end-conflict` when it is another run's. */
export function putAnnotation(db: Database, project: number, annotation: Annotation): void {
  const { id, runId, stepId, kind, name, value, author, createdAtMs, updatedAtMs } = annotation;
  const written = db.run(
    `INSERT INTO annotations (project_key, id, run_id, step_id, kind, name, value, author, created_at_ms, updated_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (project_key, id) DO UPDATE SET step_id = excluded.step_id, kind = excluded.kind, name = excluded.name,
       value = excluded.value, author = excluded.author, updated_at_ms = excluded.updated_at_ms
     WHERE run_id = excluded.run_id`,
    // As JSON, so that 1 and "1" stay what they are.
    project,
    id,
    runId,
    stepId,
    kind,
    name,
    value === null ? null : JSON.stringify(value),
    author,
    createdAtMs,
    updatedAtMs,
  );
  if (written > 0) return;
  throw new TachographError(
    'end-conflict',
    `The annotation ${id} belongs to another run than ${runId}: choose another id.`,
  );
}

/** True when there was one. */
export function deleteAnnotation(db: Database, project: number, id: string): boolean {
  return db.run('DELETE FROM annotations WHERE project_key = ? AND id = ?', project, id) > 0;
}

/** Annotations of a run, oldest first. */
export function listAnnotations(db: Database, project: number, runId: string): Annotation[] {
  return db
    .all('SELECT * FROM annotations WHERE project_key = ? AND run_id = ? ORDER BY created_at_ms, id', project, runId)
    .map(rowToAnnotation);
}
