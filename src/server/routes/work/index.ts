import type { Route } from '../../route.ts';
import { budgetRoutes } from './budgets.ts';
import { queueRoutes } from './queue.ts';
import { registrationRoutes } from './registrations.ts';
import { workRunRoutes } from './runs.ts';
import { scheduleRoutes } from './schedules.ts';
import { shadowRoutes } from './shadow-report.ts';
import { workerRoutes } from './workers.ts';

/** Routes of runs as work. */
export const workRoutes: readonly Route[] = [
  ...workRunRoutes,
  ...queueRoutes,
  ...workerRoutes,
  ...registrationRoutes,
  ...scheduleRoutes,
  ...budgetRoutes,
  ...shadowRoutes,
];
