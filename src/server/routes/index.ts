import type { Route } from '../route.ts';
import { accessRoutes } from '../access/routes.ts';
import { agentRoutes } from './agents.ts';
import { annotationRoutes } from './annotations.ts';
import { attemptRoutes } from './attempts.ts';
import { contentRoutes } from './contents.ts';
import { eventRoutes } from './events.ts';
import { differenceRoutes } from '../difference/routes.ts';
import { exportRoutes } from '../export/routes.ts';
import { healthRoutes } from './health.ts';
import { ingestRoutes } from './ingest.ts';
import { runChangeRoutes } from './run-changes.ts';
import { runRoutes } from './runs.ts';
import { searchRoutes } from './search.ts';
import { sessionRoutes } from './sessions.ts';
import { statsRoutes } from './stats.ts';
import { stepRoutes } from './steps.ts';
import { treeRoutes } from './trees.ts';
import { workRoutes } from './work/index.ts';

/** Every route of the server, the more exact path first where two could match. */
export const routes: readonly Route[] = [
  ...healthRoutes,
  ...accessRoutes,
  ...ingestRoutes,
  ...runChangeRoutes,
  ...runRoutes,
  ...workRoutes,
  ...exportRoutes,
  ...differenceRoutes,
  ...eventRoutes,
  ...stepRoutes,
  ...attemptRoutes,
  ...treeRoutes,
  ...annotationRoutes,
  ...contentRoutes,
  ...searchRoutes,
  ...statsRoutes,
  ...agentRoutes,
  ...sessionRoutes,
];
