import { z } from 'zod';
import { runStatuses } from '../../../core/model/run.ts';
import type { WorkFilter } from '../../../core/work/work.ts';
import { flag, integer, list, text, uuid } from '../../field.ts';
import { readCounts } from '../../reading/work-counts.ts';
import { rowToWire, workOf } from '../../reading/work-reading.ts';
import type { Route } from '../../route.ts';
import { defineRoute } from '../../route.ts';
import { workCounts, workPage } from '../../schema/work/work.ts';
import type { WorkCounts, WorkPage } from '../../wire-work.ts';

const query = z.strictObject({
  state: list(runStatuses, 'Any of these states, repeated or comma-separated.').optional(),
  agent: text('Runs of this agent.').optional(),
  worker: text('Runs that this worker has.').optional(),
  parent: uuid.optional(),
  dead: flag('Only runs that failed with no attempt left.').optional(),
  limit: integer(
    'Runs of a page; at most 500. Outside 1 to 500 it becomes 50 and `limitCorrected` says so.',
  ).optional(),
  cursor: text('From `nextCursor` of the page before.').optional(),
});

function queryToFilter({ state, agent, worker, parent, dead }: z.output<typeof query>): WorkFilter {
  return {
    ...(state === undefined ? {} : { states: state }),
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(worker === undefined ? {} : { workerId: worker }),
    ...(parent === undefined ? {} : { parentRunId: parent }),
    ...(dead === undefined ? {} : { isDead: dead }),
  };
}

const page = defineRoute({
  method: 'GET',
  path: '/api/v1/work',
  scope: 'read',
  summary: 'Lists runs as work, newest first.',
  query,
  queryProblem: (field) => (field === 'cursor' ? 'bad-cursor' : field === 'limit' ? 'bad-argument' : 'bad-filter'),
  answer: workPage,
  async handle({ query: asked }, around): Promise<WorkPage> {
    const work = workOf(around);
    const { limit, cursor } = asked;
    const found = await work.list(around.projectId, queryToFilter(asked), { limit, cursor });
    return {
      items: found.items.map(rowToWire),
      nextCursor: found.nextCursor,
      limit: found.limit,
      limitCorrected: found.limitCorrected,
      nowMs: await work.nowMs(),
    };
  },
});

const counts = defineRoute({
  method: 'GET',
  path: '/api/v1/work/counts',
  scope: 'read',
  summary: 'Counts runs as work by agent and state, with how long the oldest that waits has waited.',
  answer: workCounts,
  async handle(_input, around): Promise<WorkCounts> {
    const work = workOf(around);
    return { counts: await readCounts(work, around.projectId), nowMs: await work.nowMs() };
  },
});

/** Routes of the queue. */
export const queueRoutes: readonly Route[] = [counts, page];
