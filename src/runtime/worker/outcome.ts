import { findRefusal } from '../../core/work/gate.ts';
import { isTachographError, TachographError } from '../../core/error.ts';
import type { JournalEntry } from '../../core/journal.ts';
import type { EndReason } from '../../core/model/run.ts';
import type { JoinedRun } from '../../core/record/recording.ts';
import { errorToRetryClass, nextRetryDelayMs } from '../../core/work/retry.ts';
import { failureToError } from '../../core/work/scribe.ts';
import type { Transition, WorkFailure } from '../../core/work/transition.ts';
import { runCodes, toEnd, toReap, toRelease, toRetry, toSleep } from '../../core/work/transition.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { Wait } from '../handler/waits.ts';
import { mergeWaits } from '../handler/waits.ts';
import type { Assignment } from './assignment.ts';

/** How a worker is through with a run, for now or for good. */
export type Outcome =
  | { readonly kind: 'done'; readonly output: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'waits'; readonly waits: readonly Wait[] }
  /** A deadline passed while the handler was at work. */
  | { readonly kind: 'late' }
  /** The worker stops. */
  | { readonly kind: 'released' }
  /** It is another's, or over: nothing is written. */
  | { readonly kind: 'lost' };

type Change = Exclude<Transition, { type: 'run-start' }>;

function errorToEndReason(error: unknown): EndReason {
  const code = isTachographError(error) ? error.code : '';
  if (code.startsWith('E-BUDGET-')) return 'budget_exceeded';
  return code.startsWith('E-SCHEMA-') ? 'schema_invalid' : 'error';
}

function errorToFailure(error: unknown): WorkFailure {
  const message = error instanceof Error ? error.message : String(error);
  return { code: isTachographError(error) ? error.code : runCodes.executionFailed, message };
}

function failureChange(
  { row, registration }: Assignment,
  thrown: unknown,
  at: { readonly nowMs: number; readonly random: () => number },
): Transition {
  // Clients wrap what their fetch throws: a gate's refusal is told as what it is.
  const error = findRefusal(thrown) ?? thrown;
  const { nowMs, random } = at;
  const failure = errorToFailure(error);
  const policy = registration.retry ?? {};
  const retryClass = errorToRetryClass(error, policy);
  if (retryClass === null) return toEnd(row, { endReason: errorToEndReason(error), nowMs, failure });
  const { attempts } = row;
  const delayMs = nextRetryDelayMs(error, { attempts, retryClass, nowMs }, { policy, random });
  return toRetry(row, { nowMs, delayMs, failure });
}

/** When a handler must be through, of the run and of this attempt whichever is first; `null`: whenever. The store's time. */
export function toDeadlineAtMs({ timeoutAtMs, attemptDeadlineAtMs }: WorkRow): number | null {
  const times = [timeoutAtMs, attemptDeadlineAtMs].filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}

/** What an outcome makes of the run; `null`: nothing is to be written. `nowMs` is the store's. */
export function outcomeToChange(
  assignment: Assignment,
  outcome: Outcome,
  at: { readonly nowMs: number; readonly random: () => number },
): Change | null {
  const { row } = assignment;
  const { nowMs } = at;
  const toTransition = (): Transition | null => {
    switch (outcome.kind) {
      case 'done':
        return toEnd(row, { endReason: 'ok', nowMs });
      case 'failed':
        return failureChange(assignment, outcome.error, at);
      case 'waits':
        return toSleep(row, mergeWaits(outcome.waits, nowMs));
      case 'released':
        return toRelease(row, nowMs);
      case 'late':
        // The lease is in force: it is the deadline that is asked about, which has passed by now at the latest.
        return toReap({ ...row, leaseExpiresAtMs: null }, Math.max(nowMs, toDeadlineAtMs(row) ?? nowMs));
      case 'lost':
        return null;
    }
  };
  const transition = toTransition();
  return transition === null || transition.type === 'run-start' ? null : transition;
}

/** A failure that is no error of ours is told with ours around it, so that its code says what became of the run. */
function toEndError(outcome: Outcome, failure: WorkFailure | null): unknown {
  if (failure === null) return undefined;
  if (outcome.kind !== 'failed') return new TachographError(runCodes.deadline, failure.message);
  if (isTachographError(outcome.error)) return outcome.error;
  return new TachographError(runCodes.executionFailed, failure.message, { cause: outcome.error });
}

/** The event that tells of a change, as the next of the lease's chain. */
export function draftChange(joined: JoinedRun, change: Change, outcome: Outcome): JournalEntry {
  if (change.type === 'run-end') {
    const { endReason, durationMs } = change.facts;
    const error = toEndError(outcome, change.failure);
    const output = outcome.kind === 'done' ? outcome.output : undefined;
    return joined.draftEnd({
      endReason,
      durationMs,
      ...(output === undefined ? {} : { output }),
      ...(error === undefined ? {} : { error }),
    });
  }
  const { waitingFor } = change.next;
  return joined.draftState(change.facts, {
    ...(waitingFor === null ? {} : { waitingFor }),
    ...(change.failure === null ? {} : { error: failureToError(change.failure) }),
  });
}
