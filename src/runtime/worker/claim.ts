import type { RunJoin } from '../../core/record/recording.ts';
import { toClaim } from '../../core/work/transition.ts';
import type { WorkChange, WorkRow } from '../../core/work/work.ts';
import { createLease } from '../handler/lease.ts';
import type { RuntimeParts } from '../parts.ts';
import { storeTimeOf } from '../store-time.ts';
import type { Assignment } from './assignment.ts';
import type { WorkerSettings } from './options.ts';

/** Takes up to `limit` runs of a project. */
export async function claimRuns(
  parts: RuntimeParts,
  settings: WorkerSettings,
  from: { readonly projectId: string; readonly limit: number; readonly runsMaxByAgent: ReadonlyMap<string, number> },
): Promise<Assignment[]> {
  const { projectId, limit, runsMaxByAgent } = from;
  const { workerId, leaseMs, agentById } = settings;
  const scribe = parts.scribeOf(projectId);
  const joinByRun = new Map<string, RunJoin>();
  const sinceMs = parts.clock.monotonicMs();

  const plan = (row: WorkRow, nowMs: number): WorkChange => {
    const handlerVersion = agentById.get(row.agentId)?.version ?? null;
    const start = toClaim(row, { workerId, leaseMs, nowMs, handlerVersion });
    if (start.type !== 'run-start') throw new TypeError('a claim starts a lease');
    const { entry, join } = scribe.claim(row, start, { workerId, timeMs: nowMs });
    joinByRun.set(row.runId, join);
    const expected = { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false };
    return { runId: row.runId, expected, next: start.next, entries: [entry] };
  };

  const claimed = await parts.work.claim(
    {
      projectId,
      roomByAgent: new Map([...agentById.keys()].map((agentId) => [agentId, limit])),
      limit,
      projectRunsMax: settings.projectRunsMax,
      runsMaxByAgent,
    },
    (rows, nowMs) => rows.map((row) => plan(row, nowMs)),
  );
  const toldAtMs = parts.clock.monotonicMs();
  if (claimed[0] !== undefined) storeTimeOf(parts.work, parts.clock).heard(claimed[0].nowMs);
  return claimed.map(({ row, sealed, nowMs }) => ({
    projectId,
    row,
    sealed,
    ref: { runId: row.runId, leaseEpoch: row.leaseEpoch },
    join: joinByRun.get(row.runId)!,
    registration: agentById.get(row.agentId)!,
    lease: createLease(),
    claimedAtMs: nowMs,
    toldAtMs,
    validUntilMs: sinceMs + leaseMs,
  }));
}
