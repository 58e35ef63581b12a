import { callerToDigest, createBudgets, createRunWithinBudget } from '../../runtime/budget/index.ts';
import { createRuns, createSchedules } from '../../runtime/index.ts';
import type { Runs } from '../../server/index.ts';
import type { HomeParts } from './runtime-parts.ts';

/** What runs of a project are asked for through, on an opened home. */
export function createHomeRuns(parts: HomeParts): (projectId: string) => Runs {
  const runs = createRuns(parts);
  const schedules = createSchedules(parts);
  // Only asked whether there is room: what calls cost is the gates' to know.
  const budgets = createBudgets(parts, { prices: null });
  return (projectId) => ({
    create: (request) => createRunWithinBudget(parts, budgets, { projectId, request }),
    cancel: (runId) => runs.cancel(projectId, runId),
    signal: async (runId, signal) => (await runs.signal(projectId, runId, signal)).isTaken,
    redrive: (runId, from) => runs.redrive(projectId, runId, from),
    putSchedule: (id, input) => schedules.put(projectId, { ...input, id }),
    callerToScope: (callerId) => callerToDigest(parts, projectId, callerId),
  });
}
