import type { RunView } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import {
  compareNewestFirst,
  compareOldestFirst,
  comparePositions,
  runTimeMs,
  runToPosition,
} from '../../core/query/cursor.ts';
import { checkRunFilter, isRunMatching } from '../../core/query/filter.ts';
import { pageToBounds, runsToPage } from '../../core/query/page.ts';
import { isTextGiven, parseTextQuery } from '../../core/query/text-query.ts';
import type { OpenRun, Page, PageRequest, RunFilter } from '../../core/store.ts';
import { findDocuments } from './search.ts';
import type { ProjectState, RunState } from './state.ts';
import { listSteps } from './steps.ts';

function selectRuns(project: ProjectState, filter: RunFilter): RunView[] {
  const { text } = checkRunFilter(filter);
  const views = [...project.runById.values()].map((run) => run.view).filter((view) => isRunMatching(view, filter));
  if (!isTextGiven(text)) return views;
  const found = new Set(findDocuments(project, parseTextQuery(text)).map((document) => document.runId));
  return views.filter((view) => found.has(view.id));
}

/** A page of runs, newest first. */
export function listRuns(project: ProjectState, filter: RunFilter, page: PageRequest): Page<RunView> {
  const bounds = pageToBounds(page);
  const { after } = bounds;
  const runs = selectRuns(project, filter)
    .filter((run) => after === null || comparePositions(runToPosition(run), after) < 0)
    .sort(compareNewestFirst);
  return runsToPage(runs.slice(bounds.offset, bounds.offset + bounds.limit + 1), bounds);
}

/** How many runs a filter lets pass. */
export function countRuns(project: ProjectState, filter: RunFilter): number {
  return selectRuns(project, filter).length;
}

/** Ids of runs that start with a prefix, in order. */
export function findRunIds(project: ProjectState, prefix: string, limit: number): string[] {
  return [...project.runById.keys()]
    .filter((id) => id.startsWith(prefix))
    .sort()
    .slice(0, Math.max(0, limit));
}

const viewsOf = (project: ProjectState): RunView[] => [...project.runById.values()].map((run) => run.view);

/** Child runs, oldest first. */
export function listChildren(project: ProjectState, parentRunId: string): RunView[] {
  if (parentRunId === '') return [];
  return viewsOf(project)
    .filter((run) => run.parentRunId === parentRunId)
    .sort(compareOldestFirst);
}

const chainMax = 32;

/** Root first, the run last, at most the nearest 32; a cycle is walked once. */
export function parentChain(project: ProjectState, run: RunState): RunView[] {
  const chain: RunView[] = [];
  let next: RunView | undefined = run.view;
  while (next !== undefined && chain.length < chainMax && !chain.includes(next)) {
    chain.push(next);
    next = next.parentRunId === null ? undefined : project.runById.get(next.parentRunId)?.view;
  }
  return chain.reverse();
}

/** Runs finished before a moment, oldest end first. */
export function listFinishedBefore(project: ProjectState, beforeMs: number, limit: number): RunView[] {
  if (!(limit > 0)) return [];
  const finished = viewsOf(project).filter((run) => run.finishedAtMs !== null && run.finishedAtMs < beforeMs);
  const byEnd = (a: RunView, b: RunView): number =>
    comparePositions({ timeMs: a.finishedAtMs!, id: a.id }, { timeMs: b.finishedAtMs!, id: b.id });
  return finished.sort(byEnd).slice(0, Math.floor(limit));
}

/** The newest run of each agent, dry runs left out; agents without one have no entry. */
export function lastRunPerAgent(
  project: ProjectState,
  agentIds: readonly string[],
  includeFailed: boolean,
): Map<string, RunView> {
  const lastByAgent = new Map<string, RunView>();
  const wanted = new Set(agentIds);
  for (const run of viewsOf(project).sort(compareNewestFirst)) {
    const isCounted = !run.dryRun && (includeFailed || run.status === 'completed');
    if (isCounted && wanted.has(run.agentId) && !lastByAgent.has(run.agentId)) lastByAgent.set(run.agentId, run);
  }
  return lastByAgent;
}

/** Agents that have run, dry runs not counted, the latest first. */
export function listAgents(project: ProjectState): { agentId: string; runs: number; lastStartedAtMs: number }[] {
  const countByAgent = new Map<string, { agentId: string; runs: number; lastStartedAtMs: number }>();
  for (const run of viewsOf(project)) {
    if (run.dryRun) continue;
    const agent = countByAgent.get(run.agentId) ?? { agentId: run.agentId, runs: 0, lastStartedAtMs: -Infinity };
    agent.runs += 1;
    agent.lastStartedAtMs = Math.max(agent.lastStartedAtMs, runTimeMs(run));
    countByAgent.set(run.agentId, agent);
  }
  return [...countByAgent.values()].sort(
    (a, b) => b.lastStartedAtMs - a.lastStartedAtMs || (a.agentId < b.agentId ? -1 : 1),
  );
}

/** Recorded runs that have not ended, oldest first, with who writes them and what is open in them. */
export function listOpenRuns(project: ProjectState): OpenRun[] {
  return [...project.runById.values()]
    .filter((run) => !isTerminal(run.view.status))
    .sort((a, b) => compareOldestFirst(a.view, b.view))
    .map((run) => ({
      run: run.view,
      writerIds: [...run.writerById.keys()],
      openStepIds: listSteps(run, { fromNumber: 1, limit: Infinity }).flatMap((step) =>
        step.status === 'in_progress' ? step.id : [],
      ),
    }));
}
