import { importKeys } from '../../core/import/plan.ts';
import { foldEvents } from '../../core/import/fold.ts';
import type { Content } from '../../core/content/content.ts';
import type { ErasedPart } from '../../core/life/erased-part.ts';
import { attemptToContentIds, type RunViews, stepToContentIds } from '../../core/query/difference.ts';
import { erasureNotesMax } from '../../core/life/late-words.ts';
import type { ErasureNote, StoredErasure, StoredEvent } from '../../core/store.ts';
import { idToCell } from '../sql/value.ts';
import { readContent, type RunKey, useContent, useContext } from './contents.ts';
import type { Database } from './database.ts';
import { eraseEvents } from './events.ts';
import { countChange, readViews, replaceViews } from './imports.ts';
import { releaseUses, trim } from './purge.ts';
import { applyWords, createPending, type Pending } from './search.ts';

/** Counts an erasure of a project, in the transaction that is open, and notes the run that lost its words. */
export function countErasure(db: Database, project: number, runId: string | null): void {
  db.run('INSERT INTO erasure_counts VALUES (?, 1) ON CONFLICT (project_key) DO UPDATE SET count = count + 1', project);
  if (runId === null) return;
  const number = erasureCount(db, project);
  db.run('INSERT OR REPLACE INTO erasures VALUES (?, ?, ?)', project, runId, number);
  db.run('DELETE FROM erasures WHERE project_key = ? AND number <= ?', project, number - erasureNotesMax);
}

/** How often words of a project were erased. */
export function erasureCount(db: Database, project: number): number {
  return (
    (db.get('SELECT count FROM erasure_counts WHERE project_key = ?', project)?.['count'] as number | undefined) ?? 0
  );
}

/** The runs that lost words after the count was `after`. */
export function listErasures(db: Database, project: number, after: number): readonly ErasureNote[] {
  return db
    .all('SELECT number, run_id FROM erasures WHERE project_key = ? AND number > ? ORDER BY number', project, after)
    .map((row) => ({ number: row['number'] as number, runId: row['run_id'] as string }));
}

/** Uses that the steps which stay had of their own: which content each of them brought. */
function keptUses(db: Database, run: RunKey, part: ErasedPart): { content: number; step: number }[] {
  const rows = db.all(
    `SELECT u.content_key, u.step_key, s.id FROM content_use u CROSS JOIN steps s ON s.key = u.step_key WHERE u.run_key = ?`,
    run.key,
  );
  const leaving = new Set([...part.stepIds].map((id) => Buffer.from(idToCell(id)).toString('hex')));
  return rows
    .filter((row) => !leaving.has(Buffer.from(row['id'] as Uint8Array).toString('hex')))
    .map((row) => ({ content: row['content_key'] as number, step: row['step_key'] as number }));
}

/** Notes again what a run still uses, by the views that remain. */
function useAgain(db: Database, run: RunKey, after: RunViews, pending: Pending): void {
  const keyOf = (stepId: string): number | null =>
    (db.get('SELECT key FROM steps WHERE run_key = ? AND id = ?', run.key, idToCell(stepId))?.['key'] as
      | number
      | undefined) ?? null;
  const { inputsId, outputId, environmentId } = after.run;
  for (const id of [inputsId, outputId, environmentId]) if (id !== null) useContent(db, run, id, null, pending.known);
  for (const step of after.steps) {
    for (const id of stepToContentIds(step)) useContent(db, run, id, keyOf(step.id), pending.known);
    for (const tip of [step.contextNodeId, step.toolsNodeId]) if (tip !== null) useContext(db, run, tip);
  }
  for (const attempt of after.attempts) {
    for (const id of attemptToContentIds(attempt)) useContent(db, run, id, keyOf(attempt.stepId), pending.known);
    const tip = attempt.requestBody?.nodeId ?? null;
    if (tip !== null) useContext(db, run, tip);
  }
}

/** Contents that events still name: without them the views that remain would lose their previews. */
function namedContents(
  db: Database,
  projectId: string,
  run: RunKey,
  events: readonly StoredEvent[],
): Map<string, Content> {
  const entries = events.map((event) => ({ epoch: run.epoch, contents: [], nodes: [], event }));
  const contentById = new Map<string, Content>();
  for (const { contentId } of importKeys({ projectId, entries, position: null }).contents) {
    const content = readContent(db, run, contentId);
    if (content !== null) contentById.set(contentId, content);
  }
  return contentById;
}

/** Notes and labels are words about the run that people wrote; a pin holds none and still keeps the run. */
function dropNotes(db: Database, run: RunKey, part: ErasedPart | null): void {
  const drop = "DELETE FROM annotations WHERE project_key = ? AND run_id = ? AND kind <> 'pin'";
  if (part === null) db.run(drop, run.project, run.id);
  else for (const stepId of part.stepIds) db.run(`${drop} AND step_id = ?`, run.project, run.id, stepId);
}

/**
 * Drops the words of a run, or of a part of it, in the transaction that is open. Its views become what its events still
 * say, by the same fold as a rebuild, so I11 holds for an erased run too.
 */
export function eraseRecord(db: Database, projectId: string, run: RunKey, part: ErasedPart | null): StoredErasure {
  const before = readViews(db, run);
  const { count, remaining } = eraseEvents(db, run, part);
  const kept = part === null ? [] : keptUses(db, run, part);
  const { tips, contents } = releaseUses(db, run);
  const contentById = part === null ? new Map<string, Content>() : namedContents(db, projectId, run, remaining);
  const pending = createPending(contentById);
  if (remaining.length > 0) {
    const after = foldEvents(projectId, remaining, contentById, db.prices);
    replaceViews(db, run, before, after, pending);
    if (part !== null) useAgain(db, run, after, pending);
  }
  for (const { content, step } of kept)
    db.run(
      'INSERT INTO content_use (run_key, content_key, step_key) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET step_key = excluded.step_key',
      run.key,
      content,
      step,
    );
  dropNotes(db, run, part);
  const inUse = 'SELECT 1 AS one FROM content_use WHERE run_key = ? AND content_key = ?';
  const leaving = contents.filter((content) => db.get(inUse, run.key, content) === undefined);
  const { dropped, shared } = trim(db, tips, leaving, pending.words);
  countErasure(db, run.project, run.id);
  countChange(db);
  applyWords(db, run.project, pending.words);
  return {
    runs: 1,
    events: count,
    contents: dropped.length,
    shared: shared.length,
    droppedIds: dropped,
    sharedIds: shared,
  };
}
