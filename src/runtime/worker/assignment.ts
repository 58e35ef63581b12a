import type { RunJoin } from '../../core/record/recording.ts';
import type { LeaseRef, WorkRow } from '../../core/work/work.ts';
import type { AgentRegistration } from '../handler/handler.ts';
import type { Lease } from '../handler/lease.ts';

/** A run that this worker has taken, from the claim until its lease is given back or lost. */
export interface Assignment {
  readonly projectId: string;
  /** As it was when it was taken. */
  readonly row: WorkRow;
  readonly sealed: Uint8Array | null;
  readonly ref: LeaseRef;
  readonly join: RunJoin;
  readonly registration: AgentRegistration;
  readonly lease: Lease;
  /** The store's time of the claim, and the monotonic clock's when it was told of. */
  readonly claimedAtMs: number;
  readonly toldAtMs: number;
  /** Until when the lease is surely in force, by the monotonic clock. */
  validUntilMs: number;
}
