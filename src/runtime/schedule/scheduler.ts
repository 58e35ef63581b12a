import type { Schedule } from '../../core/work/schedule.ts';
import type { RuntimeParts } from '../parts.ts';
import { inProject } from '../project-scope.ts';
import { createRun } from '../runs/creation.ts';
import { parseCron } from './cron.ts';
import type { ScheduledRequest } from './schedules.ts';
import { schedulePlace } from './schedules.ts';

const dueMax = 100;

/**
 * Creates the run of a tick that has come, and moves the schedule on. Of ticks that were missed, only the newest is made up
 * for. The key of the tick keeps two processes, and one that died between the two writes, from making it twice.
 */
async function runTick(parts: RuntimeParts, schedule: Schedule, nowMs: number): Promise<boolean> {
  const { projectId, id, agentId, sealed } = schedule;
  const fromMs = schedule.nextAtMs!;
  const times = parseCron(schedule.cron, schedule.timeZone);
  const tickMs = times.newestUpTo(nowMs, fromMs);
  const text = parts.secretsOf(projectId).open(sealed, schedulePlace(id));
  const { duplicate } = await createRun(parts, projectId, {
    ...(JSON.parse(text) as ScheduledRequest),
    agentId,
    triggerType: 'schedule',
    triggerRef: id,
    idempotencyKey: `schedule/${id}/${tickMs}`,
  });
  await parts.work.advanceSchedule(projectId, id, { fromMs, toMs: times.nextAfter(Math.max(tickMs, nowMs)) });
  return !duplicate;
}

/** Looks once for schedules whose time has come; how many runs were created. One that fails keeps none of the others back. */
export async function runSchedules(parts: RuntimeParts, isOwn: (projectId: string) => boolean): Promise<number> {
  let created = 0;
  for (const { schedule, nowMs } of await parts.work.dueSchedules(dueMax)) {
    if (!isOwn(schedule.projectId)) continue;
    try {
      const isNew = await inProject(schedule.projectId, () => runTick(parts, schedule, nowMs));
      if (isNew) created += 1;
    } catch (error) {
      parts.onError(error);
    }
  }
  return created;
}
