import { comparePositions, positionToCursor } from '../../../core/query/cursor.ts';
import { pageToBounds } from '../../../core/query/page.ts';
import type { Page, PageRequest } from '../../../core/store.ts';
import { isTerminal } from '../../../core/work/state.ts';
import { toDueAtMs } from '../../../core/work/transition.ts';
import type { StaleCursor, StaleRun, WorkCount, WorkFilter, WorkRow } from '../../../core/work/work.ts';
import { isClaimable } from './change.ts';
import type { WorkMemory, WorkProject } from './state.ts';

const rowsOf = (project: WorkProject): WorkRow[] => [...project.runById.values()].map(({ row }) => row);

function isMatching(row: WorkRow, filter: WorkFilter): boolean {
  if (filter.states !== undefined && !filter.states.includes(row.state)) return false;
  if (filter.agentId !== undefined && row.agentId !== filter.agentId) return false;
  if (filter.workerId !== undefined && row.workerId !== filter.workerId) return false;
  if (filter.parentRunId !== undefined && row.parentRunId !== filter.parentRunId) return false;
  const isDead = row.state === 'failed' && row.attempts >= row.attemptsMax;
  return filter.isDead === undefined || filter.isDead === isDead;
}

const positionOf = (row: WorkRow) => ({ timeMs: row.createdAtMs, id: row.runId });

/** A page of runs, newest first. */
export function listWorkRuns(project: WorkProject, filter: WorkFilter, page: PageRequest): Page<WorkRow> {
  const { after, offset, limit, limitCorrected } = pageToBounds(page);
  const rows = rowsOf(project)
    .filter((row) => isMatching(row, filter))
    .filter((row) => after === null || comparePositions(positionOf(row), after) < 0)
    .sort((a, b) => comparePositions(positionOf(b), positionOf(a)))
    .slice(offset, offset + limit + 1);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? positionToCursor(positionOf(last)) : null;
  return { items, nextCursor, limit, limitCorrected };
}

/** Runs by agent and state. */
export function countWorkRuns(project: WorkProject, nowMs: number): WorkCount[] {
  const countByKey = new Map<string, { -readonly [K in keyof WorkCount]: WorkCount[K] }>();
  for (const row of rowsOf(project)) {
    const { agentId, state } = row;
    const key = `${agentId}\n${state}`;
    const count = countByKey.get(key) ?? { agentId, state, count: 0, oldestQueueAtMs: null };
    count.count += 1;
    if (isClaimable(row, nowMs)) count.oldestQueueAtMs = Math.min(count.oldestQueueAtMs ?? Infinity, row.queueAtMs!);
    countByKey.set(key, count);
  }
  return [...countByKey.values()].sort((a, b) => (a.agentId < b.agentId ? -1 : a.agentId > b.agentId ? 1 : 0));
}

const depthMax = 32;

/** Runs below one that have not ended, nearest first. */
export function listOpenBelow(project: WorkProject, runId: string): WorkRow[] {
  const seen = new Set([runId]);
  const open: WorkRow[] = [];
  let parents = new Set([runId]);
  for (let depth = 0; depth < depthMax && parents.size > 0; depth += 1) {
    const children = rowsOf(project).filter(
      (row) => row.parentRunId !== null && parents.has(row.parentRunId) && !seen.has(row.runId),
    );
    for (const child of children) seen.add(child.runId);
    open.push(...children.filter(({ state }) => !isTerminal(state)));
    parents = new Set(children.map((child) => child.runId));
  }
  return open;
}

/** Runs of all projects that are due, oldest deadline first, past a place. */
export function listStaleRuns(
  memory: WorkMemory,
  nowMs: number,
  page: { readonly limit: number; readonly after: StaleCursor | null },
): StaleRun[] {
  const { after, limit } = page;
  const compare = (a: StaleCursor, b: StaleCursor): number =>
    a.dueAtMs - b.dueAtMs || (a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0);
  return [...memory.values()]
    .flatMap(rowsOf)
    .flatMap((row) => {
      const dueAtMs = toDueAtMs(row);
      return dueAtMs === null || dueAtMs > nowMs ? [] : { row, dueAtMs, runId: row.runId };
    })
    .filter((due) => after === null || compare(due, after) > 0)
    .sort(compare)
    .slice(0, limit)
    .map(({ row }) => ({ row, nowMs }));
}
