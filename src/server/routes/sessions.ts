import { z } from 'zod';
import { sumOfRuns } from '../../core/cost/sum.ts';
import type { RunView } from '../../core/model/run.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { pageLimitMax } from '../../core/query/page.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import type { Subject } from '../../core/life/subject.ts';
import { moment } from '../field.ts';
import { toProblem } from '../problem.ts';
import { sessionRow, subjectErasure } from '../schema/detail.ts';
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

const id = z.string().min(1).max(1000);

/** Whose words: exactly one of the three forms. */
const subjectInput = z.union([
  z.strictObject({ callerId: id }),
  z.strictObject({ sessionId: id }),
  z.strictObject({
    messageId: id.describe(
      'What a session said strictly after it: runs and steps whose trigger, tip or answer comes later.',
    ),
    sessionId: id.optional().describe('Left out: the one session that knows the message.'),
    startedBefore: moment('Only runs that started before; 30 seconds ago unless said.').optional(),
  }),
]);

function toSubject(input: z.output<typeof subjectInput>): Subject {
  if ('messageId' in input) {
    const { messageId, sessionId = null, startedBefore = null } = input;
    return { kind: 'message', messageId, sessionId, startedBeforeMs: startedBefore };
  }
  return 'callerId' in input
    ? { kind: 'caller', callerId: input.callerId }
    : { kind: 'session', sessionId: input.sessionId };
}

const erase = defineRoute({
  method: 'POST',
  path: '/api/v1/erasures',
  scope: 'admin',
  summary:
    'Erases what all runs of a caller or a session said, with the runs they started, or what a session said after a message.',
  body: subjectInput,
  answer: subjectErasure,
  handle: async ({ body }, around) =>
    around.eraseSubject === null
      ? toProblem('not-offered', 'This server cannot erase. Use the command line: tachograph erase --help.')
      : around.eraseSubject(around.projectId, toSubject(body)),
});

/** The sessions of the newest runs, and erasing by session, message and caller. */
export const sessionRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/sessions',
    scope: 'read',
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
  erase,
];
