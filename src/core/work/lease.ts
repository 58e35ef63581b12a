import type { IdSource } from '../id.ts';
import type { RunStatus } from '../model/run.ts';
import { isTerminal } from '../model/run.ts';
import type { EventType } from '../record/event.ts';

/*
 * Every lease of a run is a writer of its own. The writer's id begins with the number of the lease, so that whoever reads
 * an event knows under which lease it was written, and nothing has to be remembered of writers that are gone.
 *
 *   writer id  00000000 5f1c0a9b   creator, reaper, a person who cancels: not under a lease
 *              00000003 77e2d410   the third lease of the run
 */

const epochDigits = 8;
/** The highest number of a lease. */
export const leaseEpochMax = 0xffff_ffff;

/** The id of a writer under a lease, 16 hex digits; epoch 0 is nobody's lease. */
export function leaseToWriterId(leaseEpoch: number, ids: IdSource): string {
  return leaseEpoch.toString(16).padStart(epochDigits, '0') + ids.hex(4);
}

/** The number of the lease that a writer of a scheduled run wrote under; 0 for none. */
export function writerIdToLease(writerId: string): number {
  return Number.parseInt(writerId.slice(0, epochDigits), 16);
}

/** Ends of what has begun, and what is told afterwards, are taken from whoever began it. */
const keptAfterLease: ReadonlySet<EventType> = new Set([
  'step-end',
  'attempt-end',
  'cost-actual',
  'gap',
  'content-erase',
]);

/** True for an event that comes from a lease which is no longer in force. */
export function isFromLostLease(
  event: { readonly writerId: string; readonly type: EventType },
  run: { readonly leaseEpoch: number; readonly status: RunStatus },
): boolean {
  const epoch = writerIdToLease(event.writerId);
  if (epoch === 0) return false;
  if (epoch < run.leaseEpoch) return true;
  // The lease's own number, but it was given back, or the run is over.
  const isOver = isTerminal(run.status) || run.status === 'pending' || run.status === 'waiting_approval';
  return isOver && epoch === run.leaseEpoch && event.type !== 'run-end';
}

/**
 * True for an event that comes from a lease which is no longer in force and may therefore change nothing (I9): all but ends
 * of steps whose start was taken, and what is told of them.
 */
export function isRefusedLate(
  event: { readonly writerId: string; readonly type: EventType },
  run: { readonly leaseEpoch: number; readonly status: RunStatus },
  isStepKnown: boolean,
): boolean {
  return isFromLostLease(event, run) && !(keptAfterLease.has(event.type) && isStepKnown);
}
