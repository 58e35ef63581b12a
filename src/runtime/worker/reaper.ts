import type { JournalEntry } from '../../core/journal.ts';
import { isTerminal } from '../../core/model/run.ts';
import { isLeased } from '../../core/work/state.ts';
import type { Transition } from '../../core/work/transition.ts';
import { toDueAtMs, toReap } from '../../core/work/transition.ts';
import type { StaleCursor, StaleRun, WorkRow } from '../../core/work/work.ts';
import type { RuntimeParts } from '../parts.ts';
import { tellParents } from '../runs/child-end.ts';
import { closeSteps, findOpenSteps } from '../runs/open-steps.ts';
import { wakeHubOf } from '../wake.ts';

/** What one look of a reaper did. */
export interface ReapCount {
  /** Runs that are claimable again. */
  readonly reclaimed: number;
  /** Runs that ended. */
  readonly ended: number;
}

type Reaping = {
  readonly row: WorkRow;
  readonly nowMs: number;
  readonly change: Exclude<Transition, { type: 'run-start' }>;
};

const pageMax = 200;

function toReapings(page: readonly StaleRun[], isOwn: (projectId: string) => boolean): Map<string, Reaping[]> {
  const byProject = new Map<string, Reaping[]>();
  for (const { row, nowMs } of page) {
    if (!isOwn(row.projectId)) continue;
    const change = toReap(row, nowMs);
    if (change === null || change.type === 'run-start') continue;
    byProject.set(row.projectId, [...(byProject.get(row.projectId) ?? []), { row, nowMs, change }]);
  }
  return byProject;
}

async function reapProject(parts: RuntimeParts, projectId: string, reapings: readonly Reaping[]): Promise<ReapCount> {
  const scribe = parts.scribeOf(projectId);
  // What is open now was begun under the lost lease; what is begun after the change is another's.
  const openByRun = await findOpenSteps(
    parts,
    projectId,
    reapings.filter(({ row }) => isLeased(row.state)).map(({ row }) => row),
  );
  const answers = await parts.work.change(
    projectId,
    reapings.map(({ row, nowMs, change }) => ({
      runId: row.runId,
      expected: { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false },
      next: change.next,
      entries: [scribe.change(row, change, nowMs)],
    })),
  );
  const made = reapings.filter((_each, index) => answers[index] === true);
  const entries = made.flatMap(({ row }): JournalEntry[] =>
    (openByRun.get(row.runId) ?? []).map((stepId) => scribe.interrupt(row, stepId)),
  );
  await closeSteps(parts, projectId, entries);
  const ended = made.filter(({ change }) => isTerminal(change.next.state)).map(({ row }) => row);
  await tellParents(parts, projectId, ended);
  return { reclaimed: made.length - ended.length, ended: ended.length };
}

/**
 * Looks once through all runs whose lease ran out or one of whose deadlines passed, page by page. Two reapers at once do
 * each run once: the change of whoever comes second is refused. A project whose changes fail keeps none of the others
 * waiting.
 */
export async function reapOnce(parts: RuntimeParts, isOwn: (projectId: string) => boolean): Promise<ReapCount> {
  let after: StaleCursor | null = null;
  let reclaimed = 0;
  let ended = 0;
  for (;;) {
    const page: readonly StaleRun[] = await parts.work.listStale(pageMax, after);
    for (const [projectId, reapings] of toReapings(page, isOwn)) {
      try {
        const count = await reapProject(parts, projectId, reapings);
        reclaimed += count.reclaimed;
        ended += count.ended;
      } catch (error) {
        parts.onError(error);
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageMax) break;
    after = { dueAtMs: toDueAtMs(last.row)!, runId: last.row.runId };
  }
  if (reclaimed > 0) wakeHubOf(parts.work).fire();
  return { reclaimed, ended };
}
