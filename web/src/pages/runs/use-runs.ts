import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import type { InfiniteData } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { paths } from '../../api/paths.ts';
import { readRuns } from '../../api/reads.ts';
import { useStream } from '../../api/use-stream.ts';
import type { RunChange, RunPage, RunView } from '../../api/wire.ts';
import { mergeNewest, patchRuns } from '../../model/run-list.ts';
import type { RunSearch } from '../../model/run-search.ts';

type Pages = InfiniteData<RunPage, string | null>;

const flushMs = 250;
const freshMs = 1000;
const pollMs = 5000;

function patchPages(data: Pages, changedById: ReadonlyMap<string, RunView>): Pages {
  return { ...data, pages: data.pages.map((page) => ({ ...page, items: patchRuns(page.items, changedById) })) };
}

/** A newly read first page laid over what is shown: later pages and their cursor stay as they are. */
function mergePages(data: Pages, fresh: RunPage): Pages {
  const [first, ...rest] = data.pages;
  if (first === undefined) return data;
  const later = new Set(rest.flatMap((page) => page.items.map((run) => run.id)));
  const news = fresh.items.filter((run) => !later.has(run.id));
  const oldest = first.items.at(-1);
  const oldestMs =
    oldest === undefined || first.nextCursor === null ? -Infinity : (oldest.startedAtMs ?? oldest.createdAtMs);
  const inRange = news.filter((run) => (run.startedAtMs ?? run.createdAtMs) >= oldestMs);
  const merged = { ...first, items: mergeNewest(first.items, inRange), total: fresh.total };
  return patchPages({ ...data, pages: [merged, ...rest] }, new Map(fresh.items.map((run) => [run.id, run])));
}

/** The list of runs for a search: pages on demand, and changes as the server tells of them. */
export function useRuns(search: RunSearch) {
  const client = useQueryClient();
  const key = useMemo(() => ['runs', search] as const, [search]);
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => readRuns(search, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    staleTime: Infinity,
    refetchOnMount: false,
  });
  const changed = useRef(new Map<string, RunView>());
  const timers = useRef<{ flush?: ReturnType<typeof setTimeout>; fresh?: ReturnType<typeof setTimeout> }>({});

  const readFresh = (): void => {
    if (timers.current.fresh !== undefined) return;
    timers.current.fresh = setTimeout(() => {
      readRuns(search, null)
        .then(
          (fresh) => client.setQueryData<Pages>(key, (data) => data && mergePages(data, fresh)),
          () => undefined,
        )
        .finally(() => {
          delete timers.current.fresh;
        });
    }, freshMs);
  };

  const flush = (): void => {
    delete timers.current.flush;
    const changes = changed.current;
    changed.current = new Map();
    const data = client.getQueryData<Pages>(key);
    if (data === undefined) return;
    client.setQueryData<Pages>(key, patchPages(data, changes));
    const known = new Set(data.pages.flatMap((page) => page.items.map((run) => run.id)));
    const isWanted = (run: RunView): boolean =>
      !known.has(run.id) && (search.nested === '1' || run.parentRunId === null) && (search.dry === '1' || !run.dryRun);
    if ([...changes.values()].some(isWanted)) readFresh();
  };

  const { state, retry } = useStream(paths.runStream(), null, (event) => {
    if (event.event === 'reset') readFresh();
    const change = parseChange(event.data);
    if (change === null) return;
    changed.current.set(change.id, change);
    timers.current.flush ??= setTimeout(flush, flushMs);
  });

  // What changed before the stream was open was not told of; where there is no stream at all the list is polled.
  const fresh = useRef(readFresh);
  useEffect(() => {
    fresh.current = readFresh;
  });
  useEffect(() => {
    if (state.kind === 'open') fresh.current();
    if (state.kind !== 'off') return undefined;
    const timer = setInterval(() => fresh.current(), pollMs);
    return () => clearInterval(timer);
  }, [state.kind]);
  useEffect(() => {
    const held = timers.current;
    return () => {
      clearTimeout(held.flush);
      clearTimeout(held.fresh);
      delete held.flush;
      delete held.fresh;
    };
  }, [key]);

  const runs = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { query, runs, total: query.data?.pages[0]?.total ?? null, stream: state, retryStream: retry };
}

function parseChange(data: string): RunView | null {
  try {
    return (JSON.parse(data) as RunChange).run ?? null;
  } catch {
    // A broken piece of a stream changes nothing; the next reading shows the truth.
    return null;
  }
}
