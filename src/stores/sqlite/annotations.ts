import { TachographError } from '../../core/error.ts';
import type { Annotation } from '../../core/store.ts';
import { rowToAnnotation } from '../sql/annotation-row.ts';
import type { Database } from './database.ts';

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
