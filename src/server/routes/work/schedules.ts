import { z } from 'zod';
import { TachographError } from '../../../core/error.ts';
import type { Schedule } from '../../../core/work/schedule.ts';
import { runsOf, workOf } from '../../reading/work-reading.ts';
import type { Route } from '../../route.ts';
import { defineRoute } from '../../route.ts';
import { scheduleInput, wireSchedule } from '../../schema/work/agent.ts';
import type { WireSchedule } from '../../wire-work.ts';

const schedulePath = z.strictObject({
  scheduleId: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, dashes and underscores')
    .describe('A name that its owner gave.'),
});

/** A schedule without what is sealed. */
function scheduleToWire({ projectId: _projectId, sealed: _sealed, ...schedule }: Schedule): WireSchedule {
  return schedule;
}

const missing = (): TachographError =>
  new TachographError('schedule-not-found', 'There is no schedule of this id in the project.');

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/schedules',
  scope: 'read',
  summary: 'Lists when runs are created by themselves. What they are created with is not told.',
  answer: z.array(wireSchedule),
  handle: async (_input, around): Promise<readonly WireSchedule[]> =>
    (await workOf(around).listSchedules(around.projectId)).map(scheduleToWire),
});

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/schedules/{scheduleId}',
  scope: 'read',
  summary: 'Gives one schedule.',
  params: schedulePath,
  answer: wireSchedule,
  async handle({ params }, around): Promise<WireSchedule> {
    const found = (await workOf(around).listSchedules(around.projectId)).find(({ id }) => id === params.scheduleId);
    if (found === undefined) throw missing();
    return scheduleToWire(found);
  },
});

const put = defineRoute({
  method: 'PUT',
  path: '/api/v1/schedules/{scheduleId}',
  scope: 'admin',
  summary: 'Adds a schedule, or puts it in the place of the one with its id. One run for each tick, whoever is awake.',
  params: schedulePath,
  body: scheduleInput,
  answer: wireSchedule,
  handle: async ({ params, body }, around): Promise<WireSchedule> =>
    scheduleToWire(await runsOf(around).putSchedule(params.scheduleId, body)),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/api/v1/schedules/{scheduleId}',
  scope: 'admin',
  summary: 'Removes a schedule. Runs that it created stay.',
  params: schedulePath,
  status: 204,
  answer: z.null(),
  async handle({ params }, around) {
    if (!(await workOf(around).deleteSchedule(around.projectId, params.scheduleId))) throw missing();
    return null;
  },
});

/** Routes of schedules. */
export const scheduleRoutes: readonly Route[] = [list, get, put, remove];
