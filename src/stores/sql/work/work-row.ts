import type { RunStatus } from '../../../core/model/run.ts';
import type { WorkRow, WorkState } from '../../../core/work/work.ts';
import { bytesToHex, cellToNumber, cellToText, flag, hexToBytes, type SqlRow, type SqlValue } from '../value.ts';

/*
 * A run as work is one narrow row. Priority is kept as its rank, which is the priority below zero, so that the queue is one
 * walk along an index in rising order, and the next agent or priority is found without walking what lies between.
 */

type Form = 'text' | 'number' | 'flag' | 'digest' | 'rank';

/** A column, the field that it holds, and in which form. */
export type WorkColumn = readonly [column: string, field: keyof WorkRow, form: Form];

/** What a run keeps from its creation to its end. */
export const fixedColumns: readonly WorkColumn[] = [
  ['agent_id', 'agentId', 'text'],
  ['kind', 'kind', 'text'],
  ['rank', 'priority', 'rank'],
  ['created_at_ms', 'createdAtMs', 'number'],
  ['attempts_max', 'attemptsMax', 'number'],
  ['attempt_timeout_ms', 'attemptTimeoutMs', 'number'],
  ['parent_run_id', 'parentRunId', 'text'],
  ['root_run_id', 'rootRunId', 'text'],
  ['trace_id', 'traceId', 'text'],
  ['shadow', 'shadow', 'flag'],
  ['dry_run', 'dryRun', 'flag'],
  ['input_digest', 'inputDigest', 'digest'],
  ['is_redrivable', 'isRedrivable', 'flag'],
];

/** What changes with its state. */
export const stateColumns: readonly (readonly [column: string, field: keyof WorkState, form: 'text' | 'number'])[] = [
  ['state', 'state', 'text'],
  ['end_reason', 'endReason', 'text'],
  ['error_code', 'errorCode', 'text'],
  ['queue_at_ms', 'queueAtMs', 'number'],
  ['attempts', 'attempts', 'number'],
  ['lease_epoch', 'leaseEpoch', 'number'],
  ['worker_id', 'workerId', 'text'],
  ['lease_expires_at_ms', 'leaseExpiresAtMs', 'number'],
  ['started_at_ms', 'startedAtMs', 'number'],
  ['finished_at_ms', 'finishedAtMs', 'number'],
  ['start_deadline_at_ms', 'startDeadlineAtMs', 'number'],
  ['attempt_deadline_at_ms', 'attemptDeadlineAtMs', 'number'],
  ['timeout_at_ms', 'timeoutAtMs', 'number'],
  ['asked_at_ms', 'askedAtMs', 'number'],
  ['answer_due_at_ms', 'answerDueAtMs', 'number'],
  ['waiting_for', 'waitingFor', 'text'],
  ['handler_version', 'handlerVersion', 'text'],
];

/** Columns of a whole row in the order of `workToCells`, its project and its due time left out. */
export const workColumns: readonly string[] = [
  'run_id',
  ...fixedColumns.map(([column]) => column),
  ...stateColumns.map(([column]) => column),
];

function toCell(form: Form, value: unknown): SqlValue {
  if (form === 'flag') return flag(value === true);
  if (form === 'rank') return -(value as number);
  if (form === 'digest') return hexToBytes(value as string);
  return value as SqlValue;
}

/** The state of a row as its columns hold it, in their order. */
export function stateToCells(state: WorkState): SqlValue[] {
  return stateColumns.map(([, field]) => state[field]);
}

/** A row as its columns hold it, in their order. */
export function workToCells(row: WorkRow): SqlValue[] {
  return [row.runId, ...fixedColumns.map(([, field, form]) => toCell(form, row[field])), ...stateToCells(row)];
}

function fromCell(form: Form, cell: SqlValue | undefined): unknown {
  if (form === 'text') return cellToText(cell);
  if (form === 'flag') return cell === 1;
  if (form === 'digest') return bytesToHex(cell);
  const number = cellToNumber(cell);
  // Not -0, which is another value to whoever compares.
  return form === 'rank' ? 0 - (number ?? 0) : number;
}

/** A row that columns hold. */
export function rowToWork(projectId: string, row: SqlRow): WorkRow {
  const work: Record<string, unknown> = { projectId, runId: row['run_id'] };
  for (const [column, field, form] of fixedColumns) work[field] = fromCell(form, row[column]);
  for (const [column, field, form] of stateColumns) work[field] = fromCell(form, row[column]);
  return work as unknown as WorkRow;
}

/** Statuses of runs that may be under a lease, as SQL lists them. */
export const leasedList = "('running', 'waiting_tool')";

/** Statuses of runs that have ended, as SQL lists them. */
export const endedList = "('completed', 'failed', 'cancelled', 'timeout')";

/** What is asked of rows by a filter: conditions on columns, with their values. */
export interface WorkCondition {
  readonly column: 'state' | 'agent_id' | 'worker_id' | 'parent_run_id';
  readonly values: readonly string[];
}

/** A filter as conditions that all hold; the one on dead runs apart. */
export function filterToConditions(filter: {
  readonly states?: readonly RunStatus[];
  readonly agentId?: string;
  readonly workerId?: string;
  readonly parentRunId?: string;
}): WorkCondition[] {
  const { states, agentId, workerId, parentRunId } = filter;
  return [
    ...(states === undefined ? [] : [{ column: 'state', values: states } as const]),
    ...(agentId === undefined ? [] : [{ column: 'agent_id', values: [agentId] } as const]),
    ...(workerId === undefined ? [] : [{ column: 'worker_id', values: [workerId] } as const]),
    ...(parentRunId === undefined ? [] : [{ column: 'parent_run_id', values: [parentRunId] } as const]),
  ];
}

/** Failed with no attempt left, as SQL asks it. */
export const deadCondition = `(state = 'failed' AND attempts >= attempts_max)`;

/** Oldest first within priority, as runs are claimed. */
export function compareClaims(a: WorkRow, b: WorkRow): number {
  return b.priority - a.priority || (a.queueAtMs ?? 0) - (b.queueAtMs ?? 0) || (a.runId < b.runId ? -1 : 1);
}

/** The lease state of a run that is not there. */
export const goneLease = { isHeld: false, state: 'cancelled', leaseExpiresAtMs: null } as const;
