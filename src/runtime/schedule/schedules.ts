import { TachographError } from '../../core/error.ts';
import type { RunRequest } from '../../core/work/request.ts';
import { parseRunRequest } from '../../core/work/request.ts';
import type { Schedule } from '../../core/work/schedule.ts';
import type { RuntimeParts } from '../parts.ts';
import { storeTimeOf } from '../store-time.ts';
import { parseCron } from './cron.ts';

/** What runs of a schedule are created with besides: a request without what the schedule itself says. */
export type ScheduledRequest = Omit<
  RunRequest,
  'agentId' | 'idempotencyKey' | 'channelType' | 'providerEventId' | 'availableAtMs' | 'triggerType' | 'triggerRef'
>;

/** A schedule as it is given. */
export interface ScheduleRequest {
  /** The caller's own name for it. */
  readonly id: string;
  readonly agentId: string;
  readonly cron: string;
  /** `UTC` unless said. */
  readonly timeZone?: string;
  readonly request?: ScheduledRequest;
  readonly isPaused?: boolean;
}

/** Schedules of projects. */
export interface Schedules {
  /** Creates it, or puts it in place of the one with its id. `bad-argument` names what is wrong. */
  put(projectId: string, given: ScheduleRequest): Promise<Schedule>;
  /** Stops or goes on; ticks that passed meanwhile are not made up for. `schedule-not-found`. */
  setPaused(projectId: string, id: string, isPaused: boolean): Promise<Schedule>;
  /** `schedule-not-found` when there is none. */
  remove(projectId: string, id: string): Promise<void>;
  list(projectId: string): Promise<readonly Schedule[]>;
}

/** Where what a schedule's runs are created with is sealed for. */
export const schedulePlace = (id: string): string => `schedule/${id}`;

const idPattern = /^[\w.:-]{1,200}$/;

function check({ id, agentId, request = {} }: ScheduleRequest): void {
  if (typeof id !== 'string' || !idPattern.test(id))
    throw new TachographError(
      'bad-argument',
      'The id of a schedule is 1 to 200 letters, digits, points, colons, hyphens or underscores.',
    );
  parseRunRequest({ ...request, agentId });
}

/** The schedules of a store. */
export function createSchedules(parts: RuntimeParts): Schedules {
  const { work } = parts;
  const find = async (projectId: string, id: string): Promise<Schedule> => {
    const found = (await work.listSchedules(projectId)).find((each) => each.id === id);
    if (found !== undefined) return found;
    throw new TachographError('schedule-not-found', `There is no schedule "${id}" in project ${projectId}.`);
  };
  const now = (): Promise<number> => storeTimeOf(work, parts.clock).nowMs();

  return {
    async put(projectId, given) {
      check(given);
      const { id, agentId, cron, timeZone = 'UTC', request = {}, isPaused = false } = given;
      const times = parseCron(cron, timeZone);
      const nowMs = await now();
      const before = (await work.listSchedules(projectId)).find((each) => each.id === id);
      const schedule: Schedule = {
        ...{ projectId, id, agentId, cron, timeZone, isPaused },
        sealed: parts.secretsOf(projectId).seal(JSON.stringify(request), schedulePlace(id)),
        nextAtMs: times.nextAfter(nowMs),
        lastAtMs: before?.lastAtMs ?? null,
        createdAtMs: before?.createdAtMs ?? nowMs,
      };
      await work.putSchedule(schedule);
      return schedule;
    },
    async setPaused(projectId, id, isPaused) {
      const before = await find(projectId, id);
      const nextAtMs = parseCron(before.cron, before.timeZone).nextAfter(await now());
      const schedule = { ...before, isPaused, nextAtMs };
      await work.putSchedule(schedule);
      return schedule;
    },
    async remove(projectId, id) {
      if (!(await work.deleteSchedule(projectId, id))) await find(projectId, id);
    },
    list: (projectId) => work.listSchedules(projectId),
  };
}
