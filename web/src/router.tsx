import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
} from '@tanstack/react-router';
import { isOffline } from './api/book.ts';
import { RunsPage } from './pages/runs/runs-page.tsx';
import { parseDiffSearch } from './model/diff/rows.ts';
import { parseNumbersSearch } from './model/numbers-search.ts';
import { parseRunSearch } from './model/run-search.ts';
import { parseRunPageSearch } from './model/run-page-search.ts';
import { parseWorkSearch } from './model/work/work-search.ts';
import { Failure, Notice } from './parts/notice.tsx';
import { Shell } from './parts/shell.tsx';

const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Notice title="There is no such page">
      <p>
        <Link to="/" search={{}}>
          Go to the runs
        </Link>
      </p>
    </Notice>
  ),
});

const runsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: parseRunSearch,
  component: RunsPage,
});

const runRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/runs/$id',
  validateSearch: parseRunPageSearch,
  component: lazyRouteComponent(() => import('./pages/run/run-page.tsx'), 'RunPage'),
});

const numbersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/numbers',
  validateSearch: parseNumbersSearch,
  component: lazyRouteComponent(() => import('./pages/numbers/numbers-page.tsx'), 'NumbersPage'),
});

const workRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/work',
  validateSearch: parseWorkSearch,
  component: lazyRouteComponent(() => import('./pages/work/work-page.tsx'), 'WorkPage'),
});

const diffRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/runs/$id/diff/$other',
  validateSearch: parseDiffSearch,
  component: lazyRouteComponent(() => import('./pages/diff/diff-page.tsx'), 'DiffPage'),
});

/** Addresses hold plain text, one value per name, so that a person can read and write them. */
function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

function stringifySearch(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search))
    if (typeof value === 'string' && value !== '') parameters.set(name, value);
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

/**
 * The viewer's routes: the list; a run, a comparison and the numbers, whose scripts come when they are first opened. In a page that
 * opens from a file the address of a view stands behind its #.
 */
export function createAppRouter() {
  return createRouter({
    ...(isOffline ? { history: createHashHistory() } : {}),
    routeTree: rootRoute.addChildren([runsRoute, runRoute, diffRoute, numbersRoute, workRoute]),
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadDelay: 150,
    defaultErrorComponent: ({ error, reset }) => <Failure error={error} what="This page" onRetry={reset} />,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
