import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { Grouping } from '../model/numbers-search.ts';
import { parseMoment } from '../model/run-search.ts';
import type { RunSearch } from '../model/run-search.ts';
import { openBook } from './book.ts';
import { getJson } from './client.ts';
import { paths } from './paths.ts';
import type {
  AttemptDetail,
  AttemptView,
  RunDetail,
  RunDifference,
  RunPage,
  RunSeals,
  RunView,
  SearchPage,
  Stats,
  StepDetail,
  StepDifference,
  StepView,
  VolumeBucket,
  WireContext,
  WireEvent,
  WireVerdict,
} from './wire.ts';

/** The most a list gives at once. */
export const pageLimit = 500;

/** Lists come as an array or as `{items}`; both are read. */
function toItems<T>(answer: readonly T[] | { readonly items: readonly T[] }): readonly T[] {
  return 'items' in answer ? answer.items : answer;
}

async function getItems<T>(path: string, signal?: AbortSignal): Promise<readonly T[]> {
  return toItems(await getJson<readonly T[] | { readonly items: readonly T[] }>(path, signal));
}

/** A page of the list. */
export function readRuns(search: RunSearch, cursor: string | null, signal?: AbortSignal): Promise<RunPage> {
  return getJson<RunPage>(paths.runs(search, { nowMs: Date.now(), limit: 100, cursor }), signal);
}

/** Steps of a run from a number on, at most `pageLimit`. */
export function readSteps(runId: string, fromNumber: number, limit: number): Promise<readonly StepView[]> {
  return getItems<StepView>(paths.steps(runId, fromNumber, Math.min(limit, pageLimit)));
}

/** Child runs, oldest first. */
export function readChildren(runId: string): Promise<readonly RunView[]> {
  return getItems<RunView>(paths.children(runId));
}

/** A run as its header shows it; without inputs, output and environment. */
export async function readRun(runId: string): Promise<RunDetail> {
  return getJson<RunDetail>(paths.run(runId));
}

/** Reads for React Query, by what they give. Finished things are kept; `live` ones are read again when asked for. */
export const reads = {
  volume: (search: RunSearch) =>
    queryOptions({
      queryKey: ['volume', search],
      queryFn: ({ signal }) => getItems<VolumeBucket>(paths.volume(search, { nowMs: Date.now(), buckets: 60 }), signal),
      staleTime: 15_000,
      placeholderData: keepPreviousData,
      retry: false,
    }),
  stats: (by: Grouping, since: string | undefined) =>
    queryOptions({
      queryKey: ['stats', by, since ?? null],
      queryFn: ({ signal }) => getJson<Stats>(paths.stats(by, parseMoment(since, Date.now())), signal),
      staleTime: 10_000,
      placeholderData: keepPreviousData,
    }),
  search: (text: string, runId?: string) =>
    queryOptions({
      queryKey: ['search', text, runId ?? null],
      queryFn: ({ signal }) =>
        getJson<SearchPage>(paths.search(text, { ...(runId === undefined ? {} : { runId }), limit: 200 }), signal),
      staleTime: 10_000,
      placeholderData: keepPreviousData,
      enabled: text !== '',
    }),
  agents: () =>
    queryOptions({
      queryKey: ['agents'],
      queryFn: ({ signal }) => getItems<{ readonly agentId: string }>(paths.agents(), signal),
      staleTime: 60_000,
      retry: false,
    }),
  run: (runId: string) => queryOptions({ queryKey: ['run', runId], queryFn: () => readRun(runId), staleTime: 1000 }),
  verify: (runId: string, lastSeq: number) =>
    queryOptions({
      queryKey: ['verify', runId, lastSeq],
      queryFn: ({ signal }) => getJson<WireVerdict>(paths.verify(runId), signal),
      staleTime: 5000,
      retry: false,
      placeholderData: keepPreviousData,
    }),
  seals: (runId: string, lastSeq: number) =>
    queryOptions({
      queryKey: ['seals', runId, lastSeq],
      queryFn: ({ signal }) => getJson<RunSeals>(paths.seals(runId), signal),
      staleTime: 5000,
      retry: false,
      placeholderData: keepPreviousData,
    }),
  diff: (runId: string, otherId: string) =>
    queryOptions({
      queryKey: ['diff', runId, otherId],
      queryFn: ({ signal }) => getJson<RunDifference>(paths.diff(runId, otherId), signal),
      staleTime: 10_000,
    }),
  /** The two runs that this page, which asks no server, compares; `null` when it compares none. */
  comparedPair: () =>
    queryOptions({
      queryKey: ['compared-pair'],
      queryFn: async () => {
        const book = await openBook();
        return book === null || book.otherId === null ? null : { id: book.runId, other: book.otherId };
      },
      staleTime: Infinity,
    }),
  /** Two steps word for word; nothing is asked while one of them is missing. */
  stepDiff: (runId: string, otherId: string, numbers: { readonly a: number | null; readonly b: number | null }) =>
    queryOptions({
      queryKey: ['step-diff', runId, otherId, numbers],
      queryFn: ({ signal }) => getJson<StepDifference>(paths.stepDiff(runId, otherId, numbers), signal),
      staleTime: 60_000,
      enabled: numbers.a !== null && numbers.b !== null,
    }),
  /** The newest runs of an agent, nested ones too. */
  latestOf: (agentId: string) =>
    queryOptions({
      queryKey: ['latest-of', agentId],
      queryFn: async ({ signal }) => (await readRuns({ agent: agentId, nested: '1' }, null, signal)).items,
      staleTime: 10_000,
    }),
  children: (runId: string) =>
    queryOptions({ queryKey: ['children', runId], queryFn: () => readChildren(runId), staleTime: 2000 }),
  events: (runId: string, lastSeq: number) =>
    queryOptions({
      queryKey: ['events', runId, lastSeq],
      queryFn: ({ signal }) =>
        getItems<WireEvent>(paths.events(runId, Math.max(1, lastSeq - pageLimit + 1), pageLimit), signal),
      placeholderData: keepPreviousData,
    }),
  step: (runId: string, number: number, version: string) =>
    queryOptions({
      queryKey: ['step', runId, number, version],
      queryFn: ({ signal }): Promise<StepDetail> => getJson<StepDetail>(paths.step(runId, number), signal),
      // What is known of the same step stays on the screen while it is read again.
      placeholderData: (previous): StepDetail | undefined =>
        previous?.step.runId === runId && previous.step.number === number ? previous : undefined,
    }),
  attempts: (runId: string, number: number, version: string) =>
    queryOptions({
      queryKey: ['attempts', runId, number, version],
      queryFn: ({ signal }) => getItems<AttemptView>(paths.attempts(runId, number), signal),
      retry: false,
    }),
  attempt: (runId: string, number: number, attempt: number, version: string) =>
    queryOptions({
      queryKey: ['attempt', runId, number, attempt, version],
      queryFn: ({ signal }) => getJson<AttemptDetail>(paths.attempt(runId, number, attempt), signal),
    }),
  context: (runId: string, number: number, from: number) =>
    queryOptions({
      queryKey: ['context', runId, number, from],
      queryFn: ({ signal }) => getJson<WireContext>(paths.context(runId, number, from), signal),
      staleTime: 60_000,
    }),
} as const;
