import { TachographError } from '../error.ts';
import type { EndReason, RunStatus } from '../model/run.ts';
import { endReasonToStatus } from '../model/run.ts';
import type { RunEndFacts, RunStartFacts, RunStateFacts } from '../record/facts.ts';
import type { StateCause } from './state.ts';
import { isEndAllowed, isLeased, isTerminal, nextStatus } from './state.ts';
import type { WorkRow, WorkState } from './work.ts';

/** Codes that a run's own life gives. */
export const runCodes = {
  executionFailed: 'E-RUN-001',
  leaseExpired: 'E-RUN-002',
  illegalTransition: 'E-RUN-003',
  leaseLost: 'E-RUN-004',
  deadline: 'E-RUN-005',
  finished: 'E-RUN-006',
  recordUnavailable: 'E-RUN-007',
  nestingRefused: 'E-RUN-008',
} as const;

/** What went wrong, as the record says it. */
export interface WorkFailure {
  readonly code: string;
  readonly message: string;
}

/** A change of a run's state, with the event that tells of it. */
export type Transition =
  | { readonly next: WorkState; readonly type: 'run-start'; readonly facts: RunStartFacts }
  | {
      readonly next: WorkState;
      readonly type: 'run-state';
      readonly facts: RunStateFacts;
      readonly failure: WorkFailure | null;
    }
  | {
      readonly next: WorkState;
      readonly type: 'run-end';
      readonly facts: RunEndFacts;
      readonly failure: WorkFailure | null;
    };

/** The part of a row that changes. */
export function rowToState(row: WorkRow): WorkState {
  return {
    state: row.state,
    endReason: row.endReason,
    errorCode: row.errorCode,
    queueAtMs: row.queueAtMs,
    attempts: row.attempts,
    leaseEpoch: row.leaseEpoch,
    workerId: row.workerId,
    leaseExpiresAtMs: row.leaseExpiresAtMs,
    startedAtMs: row.startedAtMs,
    finishedAtMs: row.finishedAtMs,
    startDeadlineAtMs: row.startDeadlineAtMs,
    attemptDeadlineAtMs: row.attemptDeadlineAtMs,
    timeoutAtMs: row.timeoutAtMs,
    askedAtMs: row.askedAtMs,
    answerDueAtMs: row.answerDueAtMs,
    waitingFor: row.waitingFor,
    handlerVersion: row.handlerVersion,
  };
}

function refuse(row: WorkRow, what: string): never {
  const code = isTerminal(row.state) ? runCodes.finished : runCodes.illegalTransition;
  throw new TachographError(code, `Run ${row.runId} is ${row.state}: ${what} is not possible.`);
}

const unleased = { workerId: null, leaseExpiresAtMs: null, attemptDeadlineAtMs: null } as const;

function stateChange(
  row: WorkRow,
  cause: StateCause,
  change: Partial<WorkState>,
  failure: WorkFailure | null = null,
): Transition {
  const state: RunStatus = nextStatus(row.state, cause) ?? refuse(row, `the change "${cause}"`);
  const next: WorkState = { ...rowToState(row), ...change, state, errorCode: failure?.code ?? row.errorCode };
  const { leaseEpoch } = row;
  return {
    next,
    type: 'run-state',
    facts: { from: row.state, to: state, cause, leaseEpoch, attempt: next.attempts, availableAtMs: next.queueAtMs },
    failure,
  };
}

/** A worker takes a run: it gets the next lease, and the attempt counts. */
export function toClaim(
  row: WorkRow,
  claim: {
    readonly workerId: string;
    readonly leaseMs: number;
    readonly nowMs: number;
    readonly handlerVersion: string | null;
  },
): Transition {
  if (nextStatus(row.state, 'claim') === null) refuse(row, 'a claim');
  const { nowMs } = claim;
  const attempts = row.attempts + 1;
  const leaseEpoch = row.leaseEpoch + 1;
  const next: WorkState = {
    ...rowToState(row),
    state: 'running',
    queueAtMs: null,
    attempts,
    leaseEpoch,
    workerId: claim.workerId,
    leaseExpiresAtMs: nowMs + claim.leaseMs,
    startedAtMs: row.startedAtMs ?? nowMs,
    startDeadlineAtMs: null,
    attemptDeadlineAtMs: row.attemptTimeoutMs === null ? null : nowMs + row.attemptTimeoutMs,
    askedAtMs: null,
    answerDueAtMs: null,
    waitingFor: null,
    handlerVersion: claim.handlerVersion,
  };
  return { next, type: 'run-start', facts: { leaseEpoch, attempt: attempts } };
}

/** The end of a run. The first one stands (I7): `E-RUN-006` for a run that has one. */
export function toEnd(
  row: WorkRow,
  end: { readonly endReason: EndReason; readonly nowMs: number; readonly failure?: WorkFailure | null },
): Transition {
  const { endReason, nowMs, failure = null } = end;
  const state = endReasonToStatus(endReason);
  if (!isEndAllowed(row.state, endReason, state)) refuse(row, `the end "${endReason}"`);
  const next: WorkState = {
    ...rowToState(row),
    ...unleased,
    state,
    endReason,
    errorCode: failure?.code ?? (state === 'completed' ? null : row.errorCode),
    queueAtMs: null,
    finishedAtMs: nowMs,
    startDeadlineAtMs: null,
    timeoutAtMs: null,
    askedAtMs: null,
    answerDueAtMs: null,
    waitingFor: null,
  };
  const durationMs = row.startedAtMs === null ? null : Math.max(0, nowMs - row.startedAtMs);
  return { next, type: 'run-end', facts: { endReason, durationMs, swept: false }, failure };
}

/** The handler failed in a way that may pass: tried again after `delayMs`, or the end when no attempt is left. */
export function toRetry(
  row: WorkRow,
  retry: { readonly nowMs: number; readonly delayMs: number; readonly failure: WorkFailure },
): Transition {
  const { nowMs, delayMs, failure } = retry;
  if (row.attempts >= row.attemptsMax) return toEnd(row, { endReason: 'error', nowMs, failure });
  return stateChange(row, 'retry', { ...unleased, queueAtMs: nowMs + delayMs }, failure);
}

/** The worker stops and gives the run back; the attempt does not count. */
export function toRelease(row: WorkRow, nowMs: number): Transition {
  return stateChange(row, 'release', { ...unleased, queueAtMs: nowMs, attempts: Math.max(0, row.attempts - 1) });
}

/** The run sleeps until a time, or until a signal comes, whichever is first; the attempt does not count. */
export function toSleep(
  row: WorkRow,
  sleep: { readonly untilMs: number | null; readonly signal: string | null },
): Transition {
  return stateChange(row, 'sleep', {
    ...unleased,
    queueAtMs: sleep.untilMs,
    waitingFor: sleep.signal,
    attempts: Math.max(0, row.attempts - 1),
  });
}

/** A tool outside begins or ends its work on the run; the lease stays. */
export function toTool(row: WorkRow, cause: 'tool-start' | 'tool-end'): Transition {
  return stateChange(row, cause, {});
}

/** A person is asked: the lease is given back, and nobody reaps the run until the answer is due. */
export function toAsk(row: WorkRow, ask: { readonly nowMs: number; readonly answerDueAtMs: number }): Transition {
  return stateChange(row, 'ask', {
    ...unleased,
    askedAtMs: ask.nowMs,
    answerDueAtMs: ask.answerDueAtMs,
    attempts: Math.max(0, row.attempts - 1),
  });
}

/** The person said yes: a worker may take the run, and its time goes on where it stood. */
export function toGrant(row: WorkRow, nowMs: number): Transition {
  const waitedMs = row.askedAtMs === null ? 0 : Math.max(0, nowMs - row.askedAtMs);
  return stateChange(row, 'grant', {
    queueAtMs: nowMs,
    askedAtMs: null,
    answerDueAtMs: null,
    timeoutAtMs: row.timeoutAtMs === null ? null : row.timeoutAtMs + waitedMs,
  });
}

const isDue = (dueAtMs: number | null, nowMs: number): boolean => dueAtMs !== null && dueAtMs <= nowMs;

const late = (what: string): WorkFailure => ({ code: runCodes.deadline, message: `The run did not ${what} in time.` });

/** What a reaper does about a run at this time, or `null`: nothing is to be done. */
export function toReap(row: WorkRow, nowMs: number): Transition | null {
  if (isTerminal(row.state)) return null;
  if (row.state === 'waiting_approval' && row.queueAtMs === null) {
    if (!isDue(row.answerDueAtMs, nowMs)) return null;
    return toEnd(row, { endReason: 'timeout', nowMs, failure: late('get an answer') });
  }
  if (isDue(row.timeoutAtMs, nowMs)) return toEnd(row, { endReason: 'timeout', nowMs, failure: late('end') });
  if (row.state === 'pending' && isDue(row.startDeadlineAtMs, nowMs))
    return toEnd(row, { endReason: 'timeout', nowMs, failure: late('start') });
  if (!isLeased(row.state)) return null;
  const isAttemptOver = isDue(row.attemptDeadlineAtMs, nowMs);
  if (!isAttemptOver && !isDue(row.leaseExpiresAtMs, nowMs)) return null;
  const failure: WorkFailure = isAttemptOver
    ? late('end its attempt')
    : {
        code: runCodes.leaseExpired,
        message: `The lease of worker ${row.workerId ?? '?'} ran out in attempt ${row.attempts}.`,
      };
  if (row.attempts < row.attemptsMax) return stateChange(row, 'reclaim', { ...unleased, queueAtMs: nowMs }, failure);
  return toEnd(row, { endReason: isAttemptOver ? 'timeout' : 'lease_lost', nowMs, failure });
}

/** When a reaper must look at a run next; `null`: never, as it stands. */
export function toDueAtMs(state: WorkState): number | null {
  if (isTerminal(state.state)) return null;
  if (state.state === 'waiting_approval' && state.queueAtMs === null) return state.answerDueAtMs;
  const times = [
    state.timeoutAtMs,
    state.state === 'pending' ? state.startDeadlineAtMs : null,
    ...(isLeased(state.state) ? [state.leaseExpiresAtMs, state.attemptDeadlineAtMs] : []),
  ].filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}
