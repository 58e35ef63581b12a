import { TachographError } from '../../core/error.ts';
import type { RunStatus } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import { runCodes } from '../../core/work/transition.ts';

/** A lease as the handler's side knows it: in force until it is ended, and then never again. */
export interface Lease {
  readonly signal: AbortSignal;
  /** Why it is over; `null` while it is in force. */
  readonly reason: TachographError | null;
  /** Ends it; the first reason stands. */
  end(reason: TachographError): void;
  /** Throws the reason when it is over. */
  check(): void;
}

/** A lease in force. */
export function createLease(): Lease {
  const controller = new AbortController();
  let reason: TachographError | null = null;
  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
    end(given) {
      if (reason !== null) return;
      reason = given;
      controller.abort(given);
    },
    check() {
      if (reason !== null) throw reason;
    },
  };
}

/** Why a lease is over, by how its run stands in the store. */
export function stateToLoss(runId: string, state: RunStatus | null): TachographError {
  if (state === 'timeout') return new TachographError(runCodes.deadline, `Run ${runId} is out of time.`);
  if (state !== null && isTerminal(state))
    return new TachographError(runCodes.finished, `Run ${runId} is ${state}: nothing more is done on it.`);
  return new TachographError(
    runCodes.leaseLost,
    `The lease on run ${runId} is lost: another worker may have it, and nothing more is written from here.`,
  );
}
