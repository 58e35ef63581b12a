import type { Clock } from '../core/clock.ts';
import type { Sampling } from '../core/life/sampling.ts';
import { isSampledOut } from '../core/life/sampling.ts';
import type { RunView } from '../core/model/run.ts';
import { pageLimitMax } from '../core/query/page.ts';
import type { Store } from '../core/store.ts';
import type { LeavingRun } from './subject.ts';

const hourMs = 3600 * 1000;
/** Trees that ended late are looked at once more. */
const overlapMs = 24 * hourMs;
const betweenLooksMs = hourMs / 4;
const batchRuns = 100;

/** Takes the words of ordinary runs, tree by tree. */
export interface Sampler {
  /** Looks at what has come of age; `onErased` is told of runs that lost their words. */
  pass(sampling: Sampling, onErased: (runs: number) => void): Promise<void>;
}

/**
 * A sampler. It decides once a tree of runs has ended and rested, never while it is recorded: everything is in the record
 * first (I1 to I3), and what goes leaves its numbers, its chain and a tombstone.
 */
export function createSampler(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
  /** What was imported was chosen already. */
  readonly isImported: (run: RunView) => boolean;
  readonly erase: (runs: readonly LeavingRun[]) => Promise<void>;
}): Sampler {
  const { store, clock } = parts;
  const lookedUntilByProject = new Map<string, number>();

  const treeOf = async (root: RunView): Promise<RunView[]> => {
    const tree = [root];
    const known = new Set([root.id]);
    for (let at = 0; at < tree.length; at += 1) {
      for (const child of await store.listChildren(root.projectId, tree[at]!.id)) {
        if (!known.has(child.id)) tree.push(child);
        known.add(child.id);
      }
    }
    return tree;
  };

  const isNoted = async (tree: readonly RunView[]): Promise<boolean> => {
    for (const run of tree) if ((await store.listAnnotations(run.projectId, run.id)).length > 0) return true;
    return false;
  };

  /** A run's own words stay short: who ran, for whom, under which name. Its steps' words and its output go. */
  const toLeaving = async (run: RunView): Promise<LeavingRun> => {
    const steps = await store.listSteps(run.projectId, run.id);
    return { run, part: { stepIds: new Set(steps.map(({ id }) => id)) } };
  };

  const passProject = async (
    projectId: string,
    sampling: Sampling,
    onErased: (runs: number) => void,
  ): Promise<void> => {
    const untilMs = clock.nowMs() - sampling.afterHours * hourMs;
    const sinceMs = (lookedUntilByProject.get(projectId) ?? 0) - overlapMs;
    // Runs come of age all the time; looking again for a few minutes' worth would cost more than it frees.
    if (untilMs - (lookedUntilByProject.get(projectId) ?? 0) < betweenLooksMs) return;
    let leaving: LeavingRun[] = [];
    const flush = async (): Promise<void> => {
      if (leaving.length > 0) await parts.erase(leaving);
      onErased(leaving.length);
      leaving = [];
    };
    for (let cursor: string | null = null; ;) {
      const page = await store.listRuns(
        projectId,
        { topLevelOnly: true, includeDryRun: true, sinceMs, untilMs },
        { limit: pageLimitMax, ...(cursor === null ? {} : { cursor }) },
      );
      for (const root of page.items) {
        if (parts.isStopping()) return;
        // The cheap questions first: most runs are kept, or have lost their words already.
        if (root.erased || root.counts.steps === 0 || !isSampledOut([root], sampling)) continue;
        if (parts.isImported(root)) continue;
        const tree = await treeOf(root);
        if (tree.some(({ updatedAtMs }) => updatedAtMs >= untilMs)) continue;
        if (!isSampledOut(tree, sampling) || (await isNoted(tree))) continue;
        for (const run of tree) if (!run.erased) leaving.push(await toLeaving(run));
        if (leaving.length >= batchRuns) await flush();
      }
      await parts.rest();
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    await flush();
    lookedUntilByProject.set(projectId, untilMs);
  };

  return {
    async pass(sampling, onErased) {
      if (sampling.keep >= 1) return;
      for (const projectId of await store.listProjects()) await passProject(projectId, sampling, onErased);
    },
  };
}
