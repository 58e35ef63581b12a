import type { Content } from '../../../core/content/content.ts';
import { attemptKey, stepKey } from '../../../core/import/fold-state.ts';
import type { ImportKeys, ImportRows } from '../../../core/import/plan-rows.ts';
import { contentKey } from '../../../core/import/plan-rows.ts';
import type { AttemptView } from '../../../core/model/attempt.ts';
import type { RunView } from '../../../core/model/run.ts';
import type { StepView } from '../../../core/model/step.ts';
import type { Seal } from '../../../core/record/seal.ts';
import type { WriterHead } from '../../../core/store.ts';
import { packToAttempts } from '../../sql/attempt-pack.ts';
import type { SqlRow } from '../../sql/value.ts';
import { cellToBytes, hexToBytes } from '../../sql/value.ts';
import { rowToAttempt } from '../../sql/view-row.ts';
import { contentColumns, type RunKey, rowsToContents } from '../contents.ts';
import type { Transaction } from '../database.ts';
import { column } from '../driver/cell.ts';
import type { Answer, Statement } from '../driver/exchange.ts';
import { toRun } from '../driver/run-row.ts';
import { rowToWriter } from '../events.ts';
import { rowToSeal } from '../seals.ts';
import { rowsToSteps } from '../steps.ts';

// Each key is looked up by itself (OFFSET 0 keeps the planner from turning it round): of a table that was just filled it
// knows nothing, takes a project for one row, and walks all of it for each key.
const runOfEach = `FROM unnest($1::text[], $2::uuid[]) AS k (run_id, item) CROSS JOIN LATERAL (
  SELECT * FROM runs WHERE project_key = (SELECT project_key()) AND id = k.run_id COLLATE "C" OFFSET 0) r`;
const lateral = (table: string, name: string, condition: string): string => `CROSS JOIN LATERAL (
  SELECT * FROM ${table} WHERE project_key = (SELECT project_key()) AND epoch = r.epoch AND run_key = r.key AND ${condition} OFFSET 0) ${name}`;
const runOfName = `FROM unnest($1::text[]) AS k (run_id) CROSS JOIN LATERAL (
  SELECT * FROM runs WHERE project_key = (SELECT project_key()) AND id = k.run_id COLLATE "C" OFFSET 0) r`;

/** Questions about the rows that a batch touches, in the order in which `answersToRows` reads their answers. */
export function loadStatements(keys: ImportKeys, epochByRun: ReadonlyMap<string, number>): Statement[] {
  const runs = column('text', keys.runIds);
  const attemptRuns = column('text', [...new Set(keys.attemptSteps.map(({ runId }) => runId))]);
  const pairs = (steps: ImportKeys['steps']) => [
    column(
      'text',
      steps.map(({ runId }) => runId),
    ),
    column(
      'uuid',
      steps.map(({ stepId }) => stepId),
    ),
  ];
  return [
    { sql: `SELECT r.* ${runOfName}`, values: [runs] },
    {
      sql: `SELECT w.*, r.id AS run_id ${runOfName} ${lateral('writers', 'w', 'true')} ORDER BY w.place`,
      values: [runs],
    },
    {
      sql: `SELECT s.*, r.id AS run_id ${runOfEach} ${lateral('steps', 's', 'id = k.item')}`,
      values: pairs(keys.steps),
    },
    {
      sql: `SELECT a.*, r.id AS run_id ${runOfEach} ${lateral('attempts', 'a', 'step_id = k.item')}`,
      values: pairs(keys.attemptSteps),
    },
    {
      sql: `SELECT p.packed, r.id AS run_id ${runOfName} ${lateral('attempt_packs', 'p', 'true')} ORDER BY p.key`,
      values: [attemptRuns],
    },
    {
      sql: `SELECT ${contentColumns}, c.epoch FROM unnest($1::text[], $2::bytea[], $3::int4[]) AS k (run_id, content_id, epoch)
        LEFT JOIN LATERAL (SELECT * FROM runs WHERE project_key = (SELECT project_key()) AND id = k.run_id COLLATE "C" OFFSET 0) r ON true
        CROSS JOIN LATERAL (SELECT * FROM contents WHERE project_key = (SELECT project_key())
          AND epoch = coalesce(r.epoch, k.epoch) AND id = k.content_id OFFSET 0) c`,
      values: [
        column(
          'text',
          keys.contents.map(({ runId }) => runId),
        ),
        column(
          'bytea',
          keys.contents.map(({ contentId }) => hexToBytes(contentId)),
        ),
        column(
          'int4',
          keys.contents.map(({ runId }) => epochByRun.get(runId)!),
        ),
      ],
    },
    {
      sql: `SELECT s.run_id, s.number, s.seal FROM unnest($1::text[]) AS k (run_id) CROSS JOIN LATERAL (
        SELECT * FROM seals WHERE project_key = (SELECT project_key()) AND run_id = k.run_id COLLATE "C" ORDER BY number DESC LIMIT 1) s`,
      values: [runs],
    },
    {
      sql: `SELECT nextval('keys') AS key FROM generate_series(1, $1::int4)`,
      values: [keys.runIds.length],
    },
  ];
}

/** What was loaded for a batch. */
export interface Loaded {
  readonly rows: ImportRows;
  readonly runKeyById: Map<string, RunKey>;
  readonly sealByRun: ReadonlyMap<string, Seal>;
  readonly writersByRun: ReadonlyMap<string, readonly WriterHead[]>;
}

const group = <T>(rows: readonly SqlRow[], read: (row: SqlRow) => readonly [string, T]): Map<string, T> =>
  new Map(rows.map(read));

/** Reads the answers of `loadStatements`. */
export async function readLoaded(tx: Transaction, keys: ImportKeys, answers: readonly Answer[]): Promise<Loaded> {
  const [runs, writers, steps, attempts, packs, contents, seals, fresh] = answers.map(({ rows }) => rows) as [
    readonly SqlRow[],
    readonly SqlRow[],
    readonly SqlRow[],
    readonly SqlRow[],
    readonly SqlRow[],
    readonly SqlRow[],
    readonly SqlRow[],
    readonly SqlRow[],
  ];
  const runKeyById = group(runs, (row) => {
    const id = row['id'] as string;
    return [id, { id, key: row['key'] as number, epoch: row['epoch'] as number }];
  });
  const epochByRun = new Map([...runKeyById].map(([id, { epoch }]) => [id, epoch]));
  const newIds = keys.runIds.filter((id) => !runKeyById.has(id));
  // The week of a new run is known once the batch is planned.
  for (const [index, id] of newIds.entries())
    runKeyById.set(id, { id, key: fresh[index]!['key'] as number, epoch: Number.NaN });
  const wanted = new Set(keys.attemptSteps.map(({ runId, stepId }) => stepKey(runId, stepId)));
  const packed = packs.flatMap((row) => packToAttempts(row['run_id'] as string, cellToBytes(row['packed'])));
  const touched = [
    ...packed.filter((each) => wanted.has(stepKey(each.runId, each.stepId))),
    ...attempts.map(rowToAttempt),
  ];
  const heads = writers.map((row) => rowToWriter(row['run_id'] as string, row));
  const contentByKey = new Map<string, Content>();
  for (const [epoch, some] of Map.groupBy(contents, (row) => row['epoch'] as number))
    for (const content of await rowsToContents(tx, epoch, some))
      contentByKey.set(contentKey(epoch, content.id), content);
  const stepByKey = new Map<string, StepView>();
  for (const [epoch, some] of Map.groupBy(steps, (row) => row['epoch'] as number))
    for (const step of await rowsToSteps(tx, epoch, some)) stepByKey.set(stepKey(step.runId, step.id), step);
  return {
    runKeyById,
    rows: {
      epochByRun,
      runById: group<RunView>(runs, (row) => [row['id'] as string, toRun(tx, row)]),
      stepByKey,
      attemptByKey: new Map<string, AttemptView>(touched.map((attempt) => [attemptKey(attempt), attempt])),
      writerByKey: new Map(heads.map((head) => [`${head.runId}/${head.writerId}`, head])),
      contentByKey,
    },
    sealByRun: group(seals, (row) => [row['run_id'] as string, rowToSeal(tx.projectId, row)]),
    writersByRun: Map.groupBy(heads, (head) => head.runId),
  };
}
