import type { Content } from '../../core/content/content.ts';
import { blankAttempt, blankRun, blankStep } from '../../core/import/blank.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import { endReasons, runStatuses } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import { stepKinds, stepStatuses } from '../../core/model/step.ts';
import { toolDigests } from '../../core/model/tool-step.ts';
import type { InputUsage, OutputUsage, Usage } from '../../core/model/usage.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { contentToStepPreview, previewContentId, type PreviewSource } from '../../core/query/preview.ts';
import type { Malformed, SqlRow, SqlValue } from './value.ts';
import { cellToId, cellToNumber, flag, idToCell } from './value.ts';
import { createCellReader, readRest } from './view-shape.ts';

/*
 * A view is stored as columns for what is filtered, sorted or summed, and one JSON object for the rest, of which
 * only what differs from a blank view is written. A column that a newer version added to the JSON is kept apart by
 * the reader's blank view, so an older row reads back whole.
 */

/** The JSON part of a view: fields without a column that differ from the blank. */
function packRest(view: object, blank: object, columns: ReadonlySet<string>): string {
  const rest: Record<string, unknown> = {};
  const blanks = blank as Record<string, unknown>;
  for (const [key, value] of Object.entries(view)) {
    if (columns.has(key) || value === undefined || value === blanks[key]) continue;
    if (isEmpty(value) && isEmpty(blanks[key])) continue;
    rest[key] = value;
  }
  return JSON.stringify(rest);
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const _key in value) return false;
  return true;
}

const inputColumns: readonly (readonly [string, keyof InputUsage])[] = [
  ['input_total', 'total'],
  ['input_no_cache', 'noCache'],
  ['input_cache_read', 'cacheRead'],
  ['input_cache_write', 'cacheWrite'],
  ['input_cache_write_5m', 'cacheWriteFiveMinutes'],
  ['input_cache_write_1h', 'cacheWriteOneHour'],
];
const outputColumns: readonly (readonly [string, keyof OutputUsage])[] = [
  ['output_total', 'total'],
  ['output_text', 'text'],
  ['output_reasoning', 'reasoning'],
];

/** Columns of a usage, the same in runs and steps. */
export const usageColumns: readonly string[] = [
  ...inputColumns.map(([name]) => name),
  ...outputColumns.map(([name]) => name),
  'requests',
];

function usageToValues(usage: Usage | null): SqlValue[] {
  return [
    ...inputColumns.map(([, key]) => usage?.input[key] ?? null),
    ...outputColumns.map(([, key]) => usage?.output[key] ?? null),
    usage?.requests ?? null,
  ];
}

/** The usage in a row's columns; a sum over no reported number is `null` here as everywhere (I12). */
export function rowToUsage(row: SqlRow): Usage {
  const read = (name: string): number | null => cellToNumber(row[name]);
  return {
    input: Object.fromEntries(inputColumns.map(([name, key]) => [key, read(name)])) as unknown as InputUsage,
    output: Object.fromEntries(outputColumns.map(([name, key]) => [key, read(name)])) as unknown as OutputUsage,
    requests: read('requests'),
  };
}

/** Columns of `runs` that a view fills, in the order of `runToValues`. */
export const runColumns: readonly string[] = [
  'id',
  'agent_id',
  'kind',
  'caller_id',
  'channel_id',
  'session_id',
  'parent_run_id',
  'status',
  'end_reason',
  'model',
  'dry_run',
  'has_error',
  'sort_ms',
  'started_at_ms',
  'created_at_ms',
  'finished_at_ms',
  'duration_ms',
  'step_count',
  'error_count',
  'unpriced',
  'cost_known_nano_usd',
  ...usageColumns,
];

const runColumnKeys: ReadonlySet<string> = new Set<keyof RunView>([
  'id',
  'projectId',
  'agentId',
  'kind',
  'callerId',
  'channelId',
  'sessionId',
  'parentRunId',
  'status',
  'endReason',
  'model',
  'dryRun',
  'startedAtMs',
  'createdAtMs',
  'finishedAtMs',
  'durationMs',
  'costKnownNanoUsd',
  'usage',
]);

/** The values of a run's columns. */
export function runToValues(run: RunView): SqlValue[] {
  return [
    run.id,
    run.agentId,
    run.kind,
    run.callerId,
    run.channelId,
    run.sessionId,
    run.parentRunId,
    run.status,
    run.endReason,
    run.model,
    flag(run.dryRun),
    flag(run.summary.hasError),
    runTimeMs(run),
    run.startedAtMs,
    run.createdAtMs,
    run.finishedAtMs,
    run.durationMs,
    run.counts.steps,
    run.counts.errors,
    run.counts.unpriced,
    run.costKnownNanoUsd,
    ...usageToValues(run.usage),
  ];
}

/** The JSON part of a run. */
export function runToRest(run: RunView): string {
  return packRest(run, blankRun(run.projectId, run.id, run.createdAtMs), runColumnKeys);
}

/** A run from its columns, `project_id` and `view`. What is malformed shows as `{error, raw}` in its labels. */
export function rowToRun(row: SqlRow): RunView {
  const cells = createCellReader(row);
  const { rest, malformed } = readRest('run', row['view']) as { rest: Partial<RunView>; malformed: Malformed | null };
  const blank = blankRun(cells.text('project_id'), String(row['id']), cells.number('created_at_ms'));
  const view: RunView = {
    ...blank,
    ...rest,
    counts: { ...blank.counts, ...rest.counts },
    summary: { ...blank.summary, ...rest.summary },
    agentId: cells.text('agent_id'),
    kind: cells.text('kind'),
    callerId: cells.textOrNull('caller_id'),
    channelId: cells.textOrNull('channel_id'),
    sessionId: cells.textOrNull('session_id'),
    parentRunId: cells.textOrNull('parent_run_id'),
    status: cells.listed('status', runStatuses, blank.status),
    endReason: cells.listedOrNull('end_reason', endReasons),
    model: cells.textOrNull('model'),
    dryRun: row['dry_run'] === 1,
    startedAtMs: cells.numberOrNull('started_at_ms'),
    finishedAtMs: cells.numberOrNull('finished_at_ms'),
    durationMs: cells.numberOrNull('duration_ms'),
    costKnownNanoUsd: cells.number('cost_known_nano_usd'),
    usage: rowToUsage(row),
  };
  const shown = malformed ?? cells.malformed();
  return shown === null ? view : { ...view, labels: { ...view.labels, ...shown } };
}

/** Columns of `steps` that a view fills, in the order of `stepToValues`. */
export const stepColumns: readonly string[] = [
  'id',
  'number',
  'kind',
  'status',
  'model',
  'requested_model',
  'started_at_ms',
  'duration_ms',
  'cost_nano_usd',
  'has_usage',
  ...usageColumns,
];

const stepColumnKeys: ReadonlySet<string> = new Set<keyof StepView>([
  'id',
  'runId',
  'number',
  'kind',
  'status',
  'model',
  'requestedModel',
  'startedAtMs',
  'durationMs',
  'usage',
  // Names of contents that are stored under their other name.
  'inputDigest',
  'outputDigest',
]);

/** The values of a step's columns. */
export function stepToValues(step: StepView): SqlValue[] {
  return [
    idToCell(step.id),
    step.number,
    step.kind,
    step.status,
    step.model,
    step.requestedModel,
    step.startedAtMs,
    step.durationMs,
    step.cost?.nanoUsd ?? null,
    flag(step.usage !== null),
    ...usageToValues(step.usage),
  ];
}

const blankOfStep = (runId: string, stepId: string, number: number, timeMs: number): StepView =>
  blankStep({ runId, stepId, number, timeMs, seq: 0 });

/** The JSON part of a step. With `previewOf` its preview is left out, since it is the beginning of that content. */
export function stepToRest(step: StepView, previewOf: PreviewSource | null): string {
  const blank = blankOfStep(step.runId, step.id, step.number, step.startedAtMs);
  const stored = previewOf === null ? step : { ...step, preview: null, previewOf };
  return packRest(stored, blank, stepColumnKeys);
}

/** Finds a content by its id, for a preview; `null` when its bytes are not there. */
export type FindContent = (contentId: string) => Content | null;

function readPreview(rest: Partial<StepView>, source: PreviewSource, find: FindContent): string | null {
  const id = previewContentId({ responseId: rest.responseId ?? null, resultId: rest.resultId ?? null }, source);
  const content = id === null ? null : find(id);
  return content === null ? null : contentToStepPreview(content, source);
}

/** A step from its columns, `run_id` and `view`. What is malformed shows as `{error, raw}` in its metadata. */
export function rowToStep(row: SqlRow, find: FindContent): StepView {
  const cells = createCellReader(row);
  const { rest: fields, malformed } = readRest('step', row['view']);
  const { previewOf, ...rest } = fields as Partial<StepView> & { previewOf?: PreviewSource };
  const number = Number.isSafeInteger(row['number']) ? (row['number'] as number) : 0;
  const read: StepView = {
    ...blankOfStep(cells.text('run_id'), cellToId(row['id']), number, cells.number('started_at_ms')),
    ...rest,
    ...(previewOf === undefined ? {} : { preview: readPreview(rest, previewOf, find) }),
    kind: cells.listed('kind', stepKinds, 'phase'),
    status: cells.listed('status', stepStatuses, 'in_progress'),
    model: cells.textOrNull('model'),
    requestedModel: cells.textOrNull('requested_model'),
    durationMs: cells.numberOrNull('duration_ms'),
    usage: row['has_usage'] === 1 ? rowToUsage(row) : null,
  };
  const step: StepView = { ...read, ...toolDigests(read) };
  const shown = malformed ?? cells.malformed();
  return shown === null ? step : { ...step, metadata: { ...step.metadata, ...shown } };
}

const attemptColumnKeys: ReadonlySet<string> = new Set<keyof AttemptView>(['runId', 'stepId', 'number', 'startedAtMs']);

/** The JSON part of an attempt. */
export function attemptToRest(attempt: AttemptView): string {
  const { runId, stepId, number, startedAtMs } = attempt;
  return packRest(attempt, blankAttempt({ runId, stepId, number, timeMs: startedAtMs }), attemptColumnKeys);
}

/** An attempt from its columns, `run_id` and `view`. What is malformed shows as `{error, raw}` in its headers. */
export function rowToAttempt(row: SqlRow): AttemptView {
  const cells = createCellReader(row);
  const { rest, malformed } = readRest('attempt', row['view']) as {
    rest: Partial<AttemptView>;
    malformed: Malformed | null;
  };
  const number = Number.isSafeInteger(row['number']) && (row['number'] as number) > 0 ? (row['number'] as number) : 1;
  const blank = blankAttempt({
    runId: cells.text('run_id'),
    stepId: cellToId(row['step_id']),
    number,
    timeMs: cells.number('started_at_ms'),
  });
  const attempt: AttemptView = { ...blank, ...rest };
  const shown = malformed ?? cells.malformed();
  return shown === null ? attempt : { ...attempt, requestHeaders: { ...attempt.requestHeaders, ...shown } };
}
