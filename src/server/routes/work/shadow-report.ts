import { z } from 'zod';
import { readShadowReport } from '../../../core/work/shadow/report-reading.ts';
import { flag, moment, text } from '../../field.ts';
import type { Route } from '../../route.ts';
import { defineRoute } from '../../route.ts';
import { shadowReport } from '../../schema/work/shadow-report.ts';

/** What runs in shadow would have done. */
export const shadowRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/shadow-report',
    scope: 'read',
    summary: 'Says what the newest 1,000 runs would have done that ran in shadow, beside what those did that acted.',
    query: z.strictObject({
      agent: text('Runs of this agent.').optional(),
      since: moment('Started at or after.').optional(),
      until: moment('Started before.').optional(),
      includeDryRun: flag('Dry runs too, such as rehearsals.').optional(),
    }),
    queryProblem: () => 'bad-filter',
    answer: shadowReport,
    handle: async ({ query }, { store, projectId }) => {
      const { agent, since, until, includeDryRun } = query;
      return readShadowReport(store, {
        projectId,
        ...(agent === undefined ? {} : { agentId: agent }),
        ...(since === undefined ? {} : { sinceMs: since }),
        ...(until === undefined ? {} : { untilMs: until }),
        ...(includeDryRun === undefined ? {} : { includeDryRun }),
      });
    },
  }),
];
