import { TachographError } from '../../core/error.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { StepView } from '../../core/model/step.ts';
import { attemptToContentIds, stepToContentIds } from '../../core/query/difference.ts';
import { attemptsToPack, packToAttempts } from '../sql/attempt-pack.ts';
import { type ContentsAtHand, rowToPreviewId, stepToStoredPreview } from '../sql/step-preview.ts';
import type { SqlRow, SqlValue } from '../sql/value.ts';
import { cellToBytes } from '../sql/value.ts';
import { attemptToRest, rowToAttempt, rowToStep, stepColumns, stepToRest, stepToValues } from '../sql/view-row.ts';
import { readContents, type RunKey, type Uses } from './contents.ts';
import type { Session, Transaction } from './database.ts';
import { column } from './driver/cell.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows, replacing, type Row } from './driver/rows.ts';

const ofRun = 'project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2';

const uuidOf = (text: string): string | null =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text) ? text : null;

const contentsAtOnce = 200;

/** Steps of one week from their rows, with `run_id`; contents that previews begin with are read in as few questions as hold them. */
export async function rowsToSteps(db: Session, epoch: number, rows: readonly SqlRow[]): Promise<StepView[]> {
  const steps: StepView[] = [];
  for (let from = 0; from < rows.length; from += contentsAtOnce) {
    const some = rows.slice(from, from + contentsAtOnce);
    const ids = some.flatMap((row) => rowToPreviewId(row) ?? []);
    const contents = await readContents(db, { epoch }, [...new Set(ids)]);
    const contentById = new Map(contents.map((content) => [content.id, content]));
    for (const row of some) steps.push(rowToStep(row, (id) => contentById.get(id) ?? null));
  }
  return steps;
}

function stepToRow(run: RunKey, step: StepView, contentById: ContentsAtHand): Row {
  const row: Record<string, SqlValue> = { epoch: run.epoch, run_key: run.key };
  const values = stepToValues(step);
  for (const [index, name] of stepColumns.entries()) row[name] = values[index]!;
  row['view'] = stepToRest(step, stepToStoredPreview(step, contentById));
  return row;
}

/** A statement that writes steps in place of the old ones; previews that begin one of the contents are left out. */
export function stepsToInsert(
  steps: readonly { run: RunKey; step: StepView }[],
  contentById: ContentsAtHand,
): Statement[] {
  const rows = steps.map(({ run, step }) => stepToRow(run, step, contentById));
  const [first] = rows;
  return first === undefined ? [] : [insertRows('steps', rows, replacing(['epoch', 'run_key', 'number'], first))];
}

/** A statement that writes attempts in place of the old ones. */
export function attemptsToInsert(attempts: readonly { run: RunKey; attempt: AttemptView }[]): Statement[] {
  const rows = attempts.map(({ run, attempt }) => ({
    epoch: run.epoch,
    run_key: run.key,
    step_id: attempt.stepId,
    number: attempt.number,
    started_at_ms: attempt.startedAtMs,
    view: attemptToRest(attempt),
  }));
  const [first] = rows;
  const tail = first && replacing(['epoch', 'run_key', 'step_id', 'number'], first);
  return first === undefined ? [] : [insertRows('attempts', rows, tail)];
}

/** Notes which contents and contexts a step names. */
export function useStep(run: RunKey, step: StepView, uses: Uses): void {
  for (const id of stepToContentIds(step)) uses.content(run, id, step.id);
  for (const tip of [step.contextNodeId, step.toolsNodeId]) uses.context(run, tip);
}

/** Notes which contents an attempt names. */
export function useAttempt(run: RunKey, attempt: AttemptView, uses: Uses): void {
  for (const id of attemptToContentIds(attempt)) uses.content(run, id, attempt.stepId);
  uses.context(run, attempt.requestBody?.nodeId ?? null);
}

/** Steps of a run by number. */
export async function listSteps(
  db: Session,
  run: RunKey,
  options: { fromNumber: number; limit: number },
): Promise<StepView[]> {
  const rows = await db.all(
    `SELECT *, $5::text AS run_id FROM steps WHERE ${ofRun} AND number >= $3 ORDER BY number LIMIT $4`,
    run.epoch,
    run.key,
    options.fromNumber,
    Math.max(0, options.limit),
    run.id,
  );
  return rowsToSteps(db, run.epoch, rows);
}

/** One step by its number, or `step-not-found`. */
export async function getStep(db: Session, run: RunKey, number: number): Promise<StepView> {
  const [step] = Number.isSafeInteger(number) ? await listSteps(db, run, { fromNumber: number, limit: 1 }) : [];
  if (step?.number !== number) throw new TachographError('step-not-found', `Run ${run.id} has no step ${number}.`);
  return step;
}

/** Attempts of a run, or of one of its steps, by step and number. A row stands before what was packed earlier. */
export async function listAttempts(db: Session, run: RunKey, stepId: string | null): Promise<AttemptView[]> {
  const id = stepId === null ? null : uuidOf(stepId);
  if (stepId !== null && id === null) return [];
  const steps = await db.all(
    `SELECT id, number FROM steps WHERE ${ofRun} AND ($3::uuid IS NULL OR id = $3)`,
    run.epoch,
    run.key,
    id,
  );
  const numberById = new Map(steps.map((row) => [row['id'] as string, row['number'] as number]));
  const number = id === null ? null : (numberById.get(id) ?? 0);
  // In one statement: read one after the other, both could miss what is packed, or taken out again, in between.
  const found = await db.all(
    `(SELECT key AS pack_key, packed, (NULL::attempts).*, NULL::text AS run_id FROM attempt_packs
        WHERE ${ofRun} AND ($4::int8 IS NULL OR (first_step <= $4 AND last_step >= $4)))
     UNION ALL
     SELECT NULL, NULL, a.*, $5::text FROM attempts a WHERE ${ofRun} AND ($3::uuid IS NULL OR step_id = $3)
     ORDER BY pack_key`,
    run.epoch,
    run.key,
    id,
    number,
    run.id,
  );
  const isPack = (row: SqlRow): boolean => row['pack_key'] !== null;
  const packed = found.filter(isPack).flatMap((pack) => packToAttempts(run.id, cellToBytes(pack['packed'])));
  const rows = found.filter((row) => !isPack(row));
  const attemptByKey = new Map(
    [...packed, ...rows.map(rowToAttempt)].map((attempt) => [`${attempt.stepId}/${attempt.number}`, attempt]),
  );
  return [...attemptByKey.values()]
    .filter((attempt) => stepId === null || attempt.stepId === stepId)
    .sort((a, b) => (numberById.get(a.stepId) ?? 0) - (numberById.get(b.stepId) ?? 0) || a.number - b.number);
}

/** Removes all attempts of a run. */
export function dropAttempts(tx: Transaction, run: RunKey): void {
  for (const table of ['attempts', 'attempt_packs']) tx.put(`DELETE FROM ${table} WHERE ${ofRun}`, run.epoch, run.key);
}

/** Attempts of a run below which they stay rows. */
export const packRowsMin = 4;
const packRows = 200;

/** Moves attempts of runs of one week into packs, at most so many; the keys of the runs of which some are left. */
export async function packAttempts(
  tx: Transaction,
  epoch: number,
  { runKeys, most }: { runKeys: readonly number[]; most: number },
): Promise<Set<SqlValue>> {
  if (runKeys.length === 0) return new Set();
  const rows = await tx.all(
    `SELECT a.*, coalesce(s.number, 0) AS step_number FROM unnest($2::int8[]) WITH ORDINALITY AS k (run_key, place)
     CROSS JOIN LATERAL (SELECT run_key, step_id, number, started_at_ms, view FROM attempts
       WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = k.run_key OFFSET 0) a
     LEFT JOIN LATERAL (SELECT number FROM steps
       WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = k.run_key AND id = a.step_id OFFSET 0) s ON true
     ORDER BY k.place, step_number, a.number LIMIT $3`,
    epoch,
    column('int8', runKeys),
    most + 1,
  );
  const isCut = rows.length > most;
  const packs: Row[] = [];
  for (const [key, ofOne] of Map.groupBy(rows.slice(0, most), (row) => row['run_key']!))
    for (let from = 0; from < ofOne.length; from += packRows) {
      const some = ofOne.slice(from, from + packRows);
      packs.push({
        epoch,
        run_key: key,
        first_step: some[0]!['step_number']!,
        last_step: some.at(-1)!['step_number']!,
        packed: attemptsToPack(some),
      });
    }
  const { sql, values = [] } = insertRows('attempt_packs', packs);
  tx.put(sql, ...values);
  const valuesOf = (name: string): SqlValue[] => rows.slice(0, most).map((row) => row[name]!);
  tx.put(
    `DELETE FROM attempts a USING unnest($2::int8[], $3::uuid[], $4::int8[]) AS k (run_key, step_id, number)
     WHERE a.project_key = (SELECT project_key()) AND a.epoch = $1 AND a.run_key = k.run_key AND a.step_id = k.step_id AND a.number = k.number`,
    epoch,
    column('int8', valuesOf('run_key')),
    column('uuid', valuesOf('step_id')),
    column('int8', valuesOf('number')),
  );
  // In the order of the runs: what was cut off are the last of them.
  const whole = isCut ? runKeys.indexOf(rows[most]!['run_key'] as number) : runKeys.length;
  return new Set(runKeys.slice(whole));
}
