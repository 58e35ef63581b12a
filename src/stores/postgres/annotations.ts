import { TachographError } from '../../core/error.ts';
import type { Annotation } from '../../core/store.ts';
import { rowToAnnotation } from '../sql/annotation-row.ts';
import type { Session, Transaction } from './database.ts';

/** Writes an annotation in place of one with its id; the first creation time stands. `end-conflict` when it is another run's. */
export async function putAnnotation(tx: Transaction, annotation: Annotation): Promise<void> {
  const { id, runId, stepId, kind, name, value, author, createdAtMs, updatedAtMs } = annotation;
  const written = await tx.get(
    `INSERT INTO annotations (project_key, id, run_id, step_id, kind, name, value, author, created_at_ms, updated_at_ms)
     VALUES ((SELECT project_key()), $1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (project_key, id) DO UPDATE SET step_id = excluded.step_id, kind = excluded.kind, name = excluded.name,
       value = excluded.value, author = excluded.author, updated_at_ms = excluded.updated_at_ms
     WHERE annotations.run_id = excluded.run_id RETURNING id`,
    id,
    runId,
    stepId,
    kind,
    name,
    // As JSON, so that 1 and "1" stay what they are.
    value === null ? null : JSON.stringify(value),
    author,
    createdAtMs,
    updatedAtMs,
  );
  if (written !== undefined) return;
  throw new TachographError(
    'end-conflict',
    `The annotation ${id} belongs to another run than ${runId}: choose another id.`,
  );
}

/** True when there was one. */
export async function deleteAnnotation(tx: Transaction, id: string): Promise<boolean> {
  const gone = await tx.get(
    'DELETE FROM annotations WHERE project_key = (SELECT project_key()) AND id = $1 RETURNING id',
    id,
  );
  return gone !== undefined;
}

/** Annotations of a run, oldest first. */
export async function listAnnotations(db: Session, runId: string): Promise<Annotation[]> {
  const rows = await db.all(
    'SELECT * FROM annotations WHERE project_key = (SELECT project_key()) AND run_id = $1 ORDER BY created_at_ms, id',
    runId,
  );
  return rows.map(rowToAnnotation);
}
