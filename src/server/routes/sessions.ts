import { z } from 'zod';
import { sumOfRuns } from '../../core/cost/sum.ts';
import type { RunView } from '../../core/model/run.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { pageLimitMax } from '../../core/query/page.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import type { Subject } from '../../core/life/subject.ts';
import { moment, text } from '../field.ts';
import { toProblem } from '../problem.ts';
import { sessionRow, subjectErasure } from '../schema/detail.ts';
import type { Surroundings } from '../surroundings.ts';
import type { SessionRow } from '../wire.ts';

function toSession(sessionId: string, runs: readonly RunView[]): SessionRow {
  const times = runs.map(runTimeMs);
  const { costNanoUsd, costKnownNanoUsd } = sumOfRuns(runs);
  return {
    sessionId,
    runs: runs.length,
    agentIds: [...new Set(runs.map((run) => run.agentId))].sort(),
    firstStartedAtMs: Math.min(...times),
    lastStartedAtMs: Math.max(...times),
    errors: runs.filter((run) => run.summary.hasError).length,
    costNanoUsd,
    costKnownNanoUsd,
  };
}

const pagesMax = 10;

const namePath = z.strictObject({ id: text('The id, URL-encoded.') });

async function erase(around: Surroundings, subject: Subject) {
  if (around.eraseSubject === null)
    return toProblem('not-offered', 'This server cannot erase. Use the command line: tachograph erase --help.');
  return around.eraseSubject(around.projectId, subject);
}

const eraseSession = {
  summary: 'Erases what all runs of a session said, and the runs they started.',
  params: namePath,
  answer: subjectErasure,
  handle: ({ params }: { params: { id: string } }, around: Surroundings) =>
    erase(around, { kind: 'session', sessionId: params.id }),
};

const eraseAfter = defineRoute({
  method: 'POST',
  path: '/api/v1/sessions/{id}/erase-after',
  summary:
    'Erases what a session said strictly after a message: runs and steps whose trigger, tip or answer comes later.',
  params: namePath,
  body: z.strictObject({
    messageId: z.string().min(1).max(1000),
    startedBefore: moment('Only runs that started before; 30 seconds ago unless said.').optional(),
  }),
  answer: subjectErasure,
  handle: ({ params, body }, around) =>
    erase(around, {
      kind: 'message',
      sessionId: params.id,
      messageId: body.messageId,
      startedBeforeMs: body.startedBefore ?? null,
    }),
});

const eraseCaller = defineRoute({
  method: 'POST',
  path: '/api/v1/callers/{id}/erase',
  summary: 'Erases what all runs of a caller said, and the runs they started.',
  params: namePath,
  answer: subjectErasure,
  handle: ({ params }, around) => erase(around, { kind: 'caller', callerId: params.id }),
});

/** The sessions of the newest runs, and erasing by session, message and caller. */
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
  defineRoute({ method: 'POST', path: '/api/v1/sessions/{id}/erase', ...eraseSession }),
  defineRoute({ method: 'DELETE', path: '/api/v1/sessions/{id}', ...eraseSession }),
  eraseAfter,
  eraseCaller,
];
