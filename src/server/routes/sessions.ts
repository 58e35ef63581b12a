import { z } from 'zod';
import type { RunView } from '../../core/model/run.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { pageLimitMax } from '../../core/query/page.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { sessionRow } from '../schema/detail.ts';
import type { SessionRow } from '../wire.ts';

function toSession(sessionId: string, runs: readonly RunView[]): SessionRow {
  const times = runs.map(runTimeMs);
  const isUnknown = runs.some((run) => run.costNanoUsd === null);
  return {
    sessionId,
    runs: runs.length,
    agentIds: [...new Set(runs.map((run) => run.agentId))].sort(),
    firstStartedAtMs: Math.min(...times),
    lastStartedAtMs: Math.max(...times),
    errors: runs.filter((run) => run.summary.hasError).length,
    costNanoUsd: isUnknown ? null : runs.reduce((sum, run) => sum + run.costNanoUsd!, 0),
  };
}

const pagesMax = 10;

/** The sessions of the newest runs. */
export const sessionRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/sessions',
    summary:
      'Lists sessions from the newest 500 runs that belong to one, looked for among the newest 5,000. Its runs: `runs?session=`.',
    answer: z.array(sessionRow),
    async handle(_input, { store, projectId }): Promise<readonly SessionRow[]> {
      const runs: RunView[] = [];
      let cursor: string | undefined;
      for (let pages = 0; pages < pagesMax && runs.length < pageLimitMax; pages += 1) {
        const page = await store.listRuns(projectId, {}, { limit: pageLimitMax, cursor });
        runs.push(...page.items.filter((run) => run.sessionId !== null));
        if (page.nextCursor === null) break;
        cursor = page.nextCursor;
      }
      const bySession = Map.groupBy(runs.slice(0, pageLimitMax), (run) => run.sessionId!);
      const rows = [...bySession].map(([sessionId, ofSession]) => toSession(sessionId, ofSession));
      return rows.sort((a, b) => b.lastStartedAtMs - a.lastStartedAtMs || (a.sessionId < b.sessionId ? -1 : 1));
    },
  }),
];
