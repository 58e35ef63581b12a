import { pageLimitMax } from '../../../core/query/page.ts';
import type { WorkRow, WorkStore } from '../../../core/work/work.ts';
import { workOf } from '../../reading/work-reading.ts';
import type { Route } from '../../route.ts';
import { defineRoute } from '../../route.ts';
import { workerPage } from '../../schema/work/work.ts';
import type { WireLease, WorkerPage } from '../../wire-work.ts';

/** Pages of leases that are looked at: more leases than a page can show. */
const pagesMax = 10;

async function listLeased(work: WorkStore, projectId: string): Promise<readonly WorkRow[]> {
  const rows: WorkRow[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const page = await work.list(
      projectId,
      { states: ['running', 'waiting_tool'] },
      { limit: pageLimitMax, ...(cursor === undefined ? {} : { cursor }) },
    );
    rows.push(...page.items);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return rows;
}

function rowToLease(row: WorkRow): WireLease {
  const { runId, agentId, state, leaseEpoch, attempts, attemptsMax, startedAtMs, leaseExpiresAtMs } = row;
  return { runId, agentId, state, leaseEpoch, attempts, attemptsMax, startedAtMs, leaseExpiresAtMs };
}

/** Routes of workers. */
export const workerRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/workers',
    scope: 'read',
    summary: 'Lists the workers of the project with the leases they hold, at most 5,000.',
    answer: workerPage,
    async handle(_input, around): Promise<WorkerPage> {
      const work = workOf(around);
      const leased = await listLeased(work, around.projectId);
      const byWorker = Map.groupBy(leased, ({ workerId }) => workerId);
      const workers = (await work.listWorkers(around.projectId))
        .toSorted((a, b) => b.seenAtMs - a.seenAtMs)
        .map((worker) => ({ ...worker, leases: (byWorker.get(worker.workerId) ?? []).map(rowToLease) }));
      const shown = new Set(workers.map(({ workerId }) => workerId));
      const strays = leased
        .filter(({ workerId }) => workerId === null || !shown.has(workerId))
        .map((row) => ({ ...rowToLease(row), workerId: row.workerId }));
      return { workers, strays, nowMs: await work.nowMs() };
    },
  }),
];
