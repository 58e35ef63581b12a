import { attemptToContentIds, stepToContentIds } from '../../core/query/difference.ts';
import { stepToErrorWords } from '../../core/query/words.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { StepView } from '../../core/model/step.ts';
import { TachographError } from '../../core/error.ts';
import { attemptsToPack, packToAttempts } from '../sql/attempt-pack.ts';
import { stepToStoredPreview } from '../sql/step-preview.ts';
import {
  attemptToRest,
  type FindContent,
  rowToAttempt,
  rowToStep,
  stepColumns,
  stepToRest,
  stepToValues,
} from '../sql/view-row.ts';
import { cellToBytes, cellToId, idToCell } from '../sql/value.ts';
import type { Database } from './database.ts';
import { createContentReader, type Place, readContent, type RunKey, useContent, useContext } from './contents.ts';
import { createStepRowReader, fromSteps, unpackStepViews } from './packing/step-views.ts';
import { type Pending, stepDocument } from './search.ts';

const upsertStep = `INSERT INTO steps (run_key, ${stepColumns.join(', ')}) VALUES (?${', ?'.repeat(stepColumns.length)})
  ON CONFLICT (run_key, number) DO UPDATE SET ${stepColumns.map((name) => `${name} = excluded.${name}`).join(', ')} RETURNING key, pack_key`;

const selectStep = `SELECT s.*, v.view, r.id AS run_id, r.epoch ${fromSteps} JOIN runs r ON r.key = s.run_key`;

/** Finds the contents that previews begin with, in one place. */
function finderOf(db: Database, place: Place): FindContent {
  const read = createContentReader(db);
  return (id) => readContent(db, place, id, read);
}

/** A step by its id, within a run. */
export function findStep(db: Database, run: RunKey, stepId: string): StepView | null {
  // The plus keeps the planner on the index by id: a run may have a hundred thousand steps, an id has one row.
  const row = db.get(`${selectStep} WHERE s.id = ? AND +s.run_key = ?`, idToCell(stepId), run.key);
  return row === undefined ? null : rowToStep(createStepRowReader(db)(row), finderOf(db, run));
}

/** Writes a step in place of the old one, with the contexts and contents it names; its error's words wait in `pending`. */
export function putStep(db: Database, run: RunKey, step: StepView, before: StepView | null, pending: Pending): number {
  const row = db.get(upsertStep, run.key, ...stepToValues(step))!;
  const key = row['key'] as number;
  if (row['pack_key'] !== null) unpackStepViews(db, run, row['pack_key'] as number);
  db.run(
    'INSERT INTO step_views (key, view) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET view = excluded.view',
    key,
    stepToRest(step, stepToStoredPreview(step, pending.contentById)),
  );
  pending.words.push({
    epoch: run.epoch,
    document: stepDocument(key),
    before: before === null ? '' : stepToErrorWords(before),
    after: stepToErrorWords(step),
  });
  const known = new Set(before === null ? [] : stepToContentIds(before));
  for (const id of stepToContentIds(step)) if (!known.has(id)) useContent(db, run, id, key, pending.known);
  for (const name of ['contextNodeId', 'toolsNodeId'] as const) {
    if (step[name] !== null && step[name] !== before?.[name]) useContext(db, run, step[name]);
  }
  return key;
}

/** Removes a step; its error's words wait in `pending`. */
export function dropStep(db: Database, run: RunKey, step: StepView, pending: Pending): void {
  const row = db.get(
    'DELETE FROM steps WHERE run_key = ? AND number = ? RETURNING key, pack_key',
    run.key,
    step.number,
  );
  const key = row?.['key'];
  if (typeof key !== 'number') return;
  if (typeof row?.['pack_key'] === 'number') unpackStepViews(db, run, row['pack_key']);
  db.run('DELETE FROM step_views WHERE key = ?', key);
  pending.words.push({ epoch: run.epoch, document: stepDocument(key), before: stepToErrorWords(step), after: '' });
}

/** Steps of a run by number. */
export function listSteps(db: Database, run: RunKey, options: { fromNumber: number; limit: number }): StepView[] {
  const find = finderOf(db, run);
  const rows = db.all(
    `${selectStep} WHERE s.run_key = ? AND s.number >= ? ORDER BY s.number LIMIT ?`,
    run.key,
    options.fromNumber,
    Math.max(0, options.limit),
  );
  const read = createStepRowReader(db);
  return rows.map((row) => rowToStep(read(row), find));
}

/** One step by its number, or `step-not-found`. */
export function getStep(db: Database, run: RunKey, number: number): StepView {
  const row = db.get(`${selectStep} WHERE s.run_key = ? AND s.number = ?`, run.key, number);
  if (row === undefined) throw new TachographError('step-not-found', `Run ${run.id} has no step ${number}.`);
  return rowToStep(createStepRowReader(db)(row), finderOf(db, run));
}

const packRows = 200;
const packRowsMin = 4;

/** Moves attempts of a run into packs, some of them; false when nothing worth it is left. */
export function packAttempts(db: Database, run: RunKey): boolean {
  const rows = db.all(
    `SELECT a.*, coalesce(s.number, 0) AS step_number FROM attempts a LEFT JOIN steps s ON s.id = a.step_id AND s.run_key = a.run_key
     WHERE a.run_key = ? ORDER BY a.key LIMIT ?`,
    run.key,
    packRows,
  );
  if (rows.length < packRowsMin) return false;
  const numbers = rows.map((row) => row['step_number'] as number);
  const packed = attemptsToPack(rows);
  db.run(
    'INSERT INTO attempt_packs (run_key, first_step, last_step, packed) VALUES (?, ?, ?, ?)',
    run.key,
    Math.min(...numbers),
    Math.max(...numbers),
    packed,
  );
  for (const row of rows) db.run('DELETE FROM attempts WHERE key = ?', row['key']!);
  return rows.length === packRows;
}

/** Removes all attempts of a run. */
export function dropAttempts(db: Database, run: RunKey): void {
  db.run('DELETE FROM attempts WHERE run_key = ?', run.key);
  db.run('DELETE FROM attempt_packs WHERE run_key = ?', run.key);
}

/** Writes an attempt in place of the old one, with the contents it names. */
export function putAttempt(
  db: Database,
  run: RunKey,
  attempt: AttemptView,
  stepKey: number | null,
  pending: Pending,
): void {
  db.run(
    `INSERT INTO attempts (run_key, step_id, number, started_at_ms, view) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (run_key, step_id, number) DO UPDATE SET started_at_ms = excluded.started_at_ms, view = excluded.view`,
    run.key,
    idToCell(attempt.stepId),
    attempt.number,
    attempt.startedAtMs,
    attemptToRest(attempt),
  );
  for (const id of attemptToContentIds(attempt)) useContent(db, run, id, stepKey, pending.known);
  const tip = attempt.requestBody?.nodeId ?? null;
  if (tip !== null) useContext(db, run, tip);
}

function listPacked(db: Database, run: RunKey, stepNumber: number | null): AttemptView[] {
  const packs =
    stepNumber === null
      ? db.all('SELECT packed FROM attempt_packs WHERE run_key = ? ORDER BY key', run.key)
      : db.all(
          'SELECT packed FROM attempt_packs WHERE run_key = ? AND first_step <= ? AND last_step >= ? ORDER BY key',
          run.key,
          stepNumber,
          stepNumber,
        );
  return packs.flatMap((pack) => packToAttempts(run.id, cellToBytes(pack['packed'])));
}

/** Attempts of a run, or of one of its steps, by step and number. A row stands before what was packed earlier. */
export function listAttempts(db: Database, run: RunKey, stepId: string | null): AttemptView[] {
  const steps =
    stepId === null
      ? db.all('SELECT id, number FROM steps WHERE run_key = ?', run.key)
      : db.all('SELECT id, number FROM steps WHERE id = ? AND run_key = ?', idToCell(stepId), run.key);
  const numberById = new Map(steps.map((row) => [cellToId(row['id']!), row['number'] as number]));
  const rows =
    stepId === null
      ? db.all('SELECT *, ? AS run_id FROM attempts WHERE run_key = ?', run.id, run.key)
      : db.all(
          'SELECT *, ? AS run_id FROM attempts WHERE run_key = ? AND step_id = ?',
          run.id,
          run.key,
          idToCell(stepId),
        );
  const packed = listPacked(db, run, stepId === null ? null : (numberById.get(stepId) ?? 0));
  const attemptByKey = new Map(
    [...packed, ...rows.map(rowToAttempt)].map((attempt) => [`${attempt.stepId}/${attempt.number}`, attempt]),
  );
  return [...attemptByKey.values()]
    .filter((attempt) => stepId === null || attempt.stepId === stepId)
    .sort((a, b) => (numberById.get(a.stepId) ?? 0) - (numberById.get(b.stepId) ?? 0) || a.number - b.number);
}
