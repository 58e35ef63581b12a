import { epochStartMs, rootNodeId } from '../../core/content/context.ts';
import { isTerminal } from '../../core/model/run.ts';
import { compareOldestFirst, runTimeMs } from '../../core/query/cursor.ts';
import type { PurgeOptions } from '../../core/store.ts';
import { dropAnnotations } from './annotations.ts';
import type { EpochState, ProjectState, RunState } from './state.ts';

const runsOf = (project: ProjectState, epoch: number): RunState[] =>
  [...project.runById.values()].filter((run) => run.epoch === epoch);

/** Ids of the nodes on the paths from these tips to the root. */
function pathsOf(epoch: EpochState, tips: Iterable<string>): Set<string> {
  const onPath = new Set<string>();
  for (const tip of tips) {
    for (let id = tip; id !== rootNodeId && !onPath.has(id);) {
      const node = epoch.nodeById.get(id);
      if (node === undefined) break;
      onPath.add(id);
      id = node.parentId;
    }
  }
  return onPath;
}

/** Removes those of the contexts and contents that no run of the epoch needs any more. */
export function trim(
  project: ProjectState,
  number: number,
  tips: readonly string[],
  contents: Iterable<string>,
): { dropped: string[]; shared: string[] } {
  const epoch = project.epochByNumber.get(number);
  if (epoch === undefined) return { dropped: [], shared: [] };
  const runs = runsOf(project, number);
  const needed = pathsOf(
    epoch,
    runs.flatMap((run) => [...run.tips]),
  );
  const held = new Set(contents);
  for (const id of pathsOf(epoch, tips)) {
    if (needed.has(id)) continue;
    held.add(epoch.nodeById.get(id)!.contentId);
    epoch.nodeById.delete(id);
  }
  const used = new Set(runs.flatMap((run) => [...run.stepIdByContent.keys()]));
  for (const node of epoch.nodeById.values()) used.add(node.contentId);
  const dropped: string[] = [];
  const shared: string[] = [];
  for (const id of held) {
    if (used.has(id)) shared.push(id);
    else if (epoch.contentById.delete(id)) dropped.push(id);
  }
  return { dropped, shared };
}

/**
 * Drops runs, oldest first; how many went. What they alone used goes with them once its whole week lies before the cut
 * and no open run could still name what it knows.
 */
export function purgeRuns(project: ProjectState, options: PurgeOptions): number {
  const pinned = new Set(
    [...project.annotationById.values()].filter(({ kind }) => kind === 'pin').map(({ runId }) => runId),
  );
  const isGoing = ({ view }: RunState): boolean =>
    (options.clock === 'write' ? view.updatedAtMs : runTimeMs(view)) < options.beforeMs &&
    (options.dryRunsOnly !== true || view.dryRun) &&
    !pinned.has(view.id) &&
    options.isKept?.(view.id) !== true &&
    (isTerminal(view.status) || options.isLive?.(view.id) !== true);
  const going = [...project.runById.values()]
    .filter(isGoing)
    .sort((a, b) => compareOldestFirst(a.view, b.view))
    .slice(0, Math.max(0, options.limit));
  for (const { view } of going) {
    project.runById.delete(view.id);
    dropAnnotations(project, view.id);
  }
  for (const number of project.epochByNumber.keys()) {
    const runs = runsOf(project, number);
    const isClosed = epochStartMs(number + 1) <= options.beforeMs && runs.every((run) => isTerminal(run.view.status));
    if (!isClosed && options.isForgotten !== true) continue;
    const { nodeById, contentById } = project.epochByNumber.get(number)!;
    if (runs.length === 0) project.epochByNumber.delete(number);
    else trim(project, number, [...nodeById.keys()], [...contentById.keys()]);
  }
  return going.length;
}
