import { TachographError } from '../../core/error.ts';
import { runCodes } from '../../core/work/transition.ts';
import { stateToLoss } from '../handler/lease.ts';
import type { RuntimeParts } from '../parts.ts';
import type { Assignment } from './assignment.ts';

/** All leases of a worker, kept in force by a heartbeat. */
export interface LeaseBook {
  add(assignments: readonly Assignment[]): void;
  remove(assignment: Assignment): void;
  readonly size: number;
  start(): void;
  stop(): void;
}

/** A store that is away is asked again so soon. */
const againMs = 500;
/** How often leases are looked through for those that have run out, at least. */
const lookMs = 250;

function groupByProject(assignments: Iterable<Assignment>): Map<string, Assignment[]> {
  const byProject = new Map<string, Assignment[]>();
  for (const each of assignments) byProject.set(each.projectId, [...(byProject.get(each.projectId) ?? []), each]);
  return byProject;
}

/** An empty book. */
export function createLeaseBook(
  parts: RuntimeParts,
  times: { readonly leaseMs: number; readonly heartbeatMs: number },
): LeaseBook {
  const { clock, work } = parts;
  const { leaseMs, heartbeatMs } = times;
  const held = new Set<Assignment>();
  let timer: NodeJS.Timeout | null = null;
  let lastBeatMs = clock.monotonicMs();
  let isBeating = false;

  const beat = async (projectId: string, assignments: readonly Assignment[]): Promise<void> => {
    const sinceMs = clock.monotonicMs();
    const refs = assignments.map(({ ref }) => ref);
    const states = await work.heartbeat(projectId, refs, leaseMs);
    const stateByRun = new Map(states.map((state) => [state.runId, state]));
    for (const assignment of assignments) {
      const state = stateByRun.get(assignment.ref.runId);
      if (state?.isHeld === true) assignment.validUntilMs = sinceMs + leaseMs;
      // One that was given back meanwhile is no longer in the book, and not lost.
      else if (held.has(assignment)) assignment.lease.end(stateToLoss(assignment.ref.runId, state?.state ?? null));
    }
  };

  const beatAll = async (): Promise<void> => {
    isBeating = true;
    lastBeatMs = clock.monotonicMs();
    const inForce = [...held].filter(({ validUntilMs }) => validUntilMs > lastBeatMs);
    const beats = await Promise.allSettled(
      [...groupByProject(inForce)].map(([projectId, assignments]) => beat(projectId, assignments)),
    );
    for (const each of beats) {
      if (each.status === 'fulfilled') continue;
      parts.onError(each.reason);
      lastBeatMs = clock.monotonicMs() - heartbeatMs + Math.min(againMs, heartbeatMs / 2);
    }
    isBeating = false;
  };

  const look = (): void => {
    const nowMs = clock.monotonicMs();
    for (const { lease, ref, validUntilMs } of held)
      if (validUntilMs <= nowMs)
        lease.end(
          new TachographError(
            runCodes.leaseLost,
            `The lease on run ${ref.runId} ran out before it could be prolonged: another worker may have the run now.`,
          ),
        );
    if (!isBeating && held.size > 0 && nowMs - lastBeatMs >= heartbeatMs) void beatAll();
  };

  return {
    add(assignments) {
      if (held.size === 0) lastBeatMs = clock.monotonicMs();
      for (const each of assignments) held.add(each);
    },
    remove: (assignment) => void held.delete(assignment),
    get size() {
      return held.size;
    },
    start() {
      timer ??= setInterval(look, Math.max(1, Math.min(lookMs, heartbeatMs / 4)));
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}
