import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { WorkSearch } from '../model/work/work-search.ts';
import { getJson, postJson } from './client.ts';
import { workPaths } from './paths.ts';
import type {
  RunCancelled,
  RunCreated,
  ShadowReport,
  WireBudgets,
  WireSchedule,
  WorkCounts,
  WorkDetail,
  WorkerPage,
  WorkPage,
} from './wire.ts';

/** A queue changes by itself: it is read again so often while it is looked at. */
const againMs = 2000;

/** Reads about runs as work. */
export const workReads = {
  list: (search: WorkSearch, isDead: boolean) =>
    queryOptions({
      queryKey: ['work', search.state ?? null, search.agent ?? null, isDead],
      queryFn: ({ signal }) =>
        getJson<WorkPage>(
          workPaths.list({
            dead: isDead,
            ...(search.state === undefined || isDead ? {} : { state: search.state }),
            ...(search.agent === undefined ? {} : { agent: search.agent }),
          }),
          signal,
        ),
      refetchInterval: againMs,
      placeholderData: keepPreviousData,
    }),
  counts: () =>
    queryOptions({
      queryKey: ['work-counts'],
      queryFn: ({ signal }) => getJson<WorkCounts>(workPaths.counts(), signal),
      refetchInterval: againMs,
    }),
  workers: () =>
    queryOptions({
      queryKey: ['workers'],
      queryFn: ({ signal }) => getJson<WorkerPage>(workPaths.workers(), signal),
      refetchInterval: againMs,
    }),
  schedules: () =>
    queryOptions({
      queryKey: ['schedules'],
      queryFn: ({ signal }) => getJson<readonly WireSchedule[]>(workPaths.schedules(), signal),
      refetchInterval: 10_000,
    }),
  budgets: () =>
    queryOptions({
      queryKey: ['budgets'],
      queryFn: ({ signal }) => getJson<WireBudgets>(workPaths.budgets(), signal),
      refetchInterval: againMs,
    }),
  shadowReport: (agent: string | undefined) =>
    queryOptions({
      queryKey: ['shadow-report', agent ?? null],
      queryFn: ({ signal }) => getJson<ShadowReport>(workPaths.shadowReport(agent), signal),
      staleTime: 10_000,
    }),
  ofRun: (runId: string, isOpen: boolean) =>
    queryOptions({
      queryKey: ['work-of-run', runId],
      queryFn: ({ signal }) => getJson<WorkDetail>(workPaths.ofRun(runId), signal),
      refetchInterval: isOpen ? againMs : false,
      retry: false,
    }),
} as const;

/** Stops a run and its open child runs. Throws `ApiError`. */
export const cancelRun = (runId: string): Promise<RunCancelled> => postJson(workPaths.cancel(runId), {});

/** Lets a failed run do its work again, as a new run. Throws `ApiError`. */
export const redriveRun = (runId: string): Promise<RunCreated> => postJson(workPaths.redrive(runId), {});
