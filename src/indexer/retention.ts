import type { Clock } from '../core/clock.ts';
import type { Settings } from '../core/life/settings.ts';
import { retentionCutMs, retentionDaysOf } from '../core/life/settings.ts';
import type { QuotaState } from '../core/life/upkeep.ts';
import type { PurgeOptions, Store } from '../core/store.ts';

/** What dropping runs needs. */
export interface RetentionParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Lets everything else have its turn between two slices. */
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
}

/**
 * Runs per transaction. A run of 50 turns takes about a millisecond, so recording and reading wait no longer than for a
 * handful of requests; `tachograph purge` uses 100. For a quota fewer, so that no more go than must.
 */
const sliceRuns = { retention: 25, quota: 5 } as const;

/** True for a run that came here after `beforeMs` though it was written long ago: what was imported is kept as long. */
export type RetentionClock = (projectId: string, runId: string, beforeMs: number) => boolean;

/** Whoever is open belongs to somebody: the sweep ends what belongs to nobody. */
const isLive = (): boolean => true;

async function dropAll(
  parts: RetentionParts,
  options: Omit<PurgeOptions, 'isLive'>,
  onDropped: (runs: number) => boolean,
): Promise<void> {
  while (!parts.isStopping()) {
    const count = await parts.store.purge({ ...options, isLive });
    if (!onDropped(count) || count < options.limit) return;
    await parts.rest();
  }
}

/**
 * Drops the runs of all projects that were last written to too long ago, oldest first. Pinned and open runs stay;
 * contents go with the last run of their week that needs them. Copies in quarantine go by the same clock.
 */
export async function dropOld(
  parts: RetentionParts,
  of: {
    readonly settings: Settings;
    readonly isKept: RetentionClock;
    readonly dropQuarantine: (projectId: string, beforeMs: number) => void;
    readonly onDropped: (runs: number) => void;
  },
): Promise<void> {
  for (const projectId of await parts.store.listProjects()) {
    const beforeMs = retentionCutMs(retentionDaysOf(of.settings, projectId), parts.clock.nowMs());
    if (beforeMs === null) continue;
    const isKept = (runId: string): boolean => of.isKept(projectId, runId, beforeMs);
    await dropAll(parts, { projectId, beforeMs, clock: 'write', limit: sliceRuns.retention, isKept }, (runs) => {
      of.onDropped(runs);
      return true;
    });
    of.dropQuarantine(projectId, beforeMs);
  }
}

/** Once over the limit, room is made down to this share of it, so that not every run that comes costs another. */
const roomShare = 0.9;

/**
 * Drops runs until the home is small enough: dry runs first, then the others, oldest first. Open and pinned runs stay,
 * and so do journals, quarantine, seals and keys. Recorders forget first what they have written, so that contents of the
 * present week may go too; runs written to after that stay.
 */
export async function dropForQuota(
  parts: RetentionParts,
  of: {
    readonly limitBytes: number;
    readonly droppedRuns: number;
    readonly readUsedBytes: () => number;
    readonly forgetWritten: () => Promise<void>;
  },
): Promise<QuotaState> {
  const { limitBytes, readUsedBytes } = of;
  let { droppedRuns } = of;
  if (readUsedBytes() > limitBytes) {
    const beforeMs = parts.clock.nowMs();
    await of.forgetWritten();
    const isTooMuch = (): boolean => readUsedBytes() > limitBytes * roomShare;
    for (const dryRunsOnly of [true, false]) {
      for (const projectId of await parts.store.listProjects()) {
        if (!isTooMuch()) break;
        const limit = sliceRuns.quota;
        const options = { projectId, beforeMs, limit, clock: 'write', dryRunsOnly, isForgotten: true } as const;
        await dropAll(parts, options, (runs) => {
          droppedRuns += runs;
          return isTooMuch();
        });
      }
    }
  }
  const usedBytes = readUsedBytes();
  return { limitBytes, usedBytes, droppedRuns, isOver: usedBytes > limitBytes };
}
