import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { reads } from '../../api/reads.ts';
import { toExactCount, toPlural } from '../../model/figures.ts';
import { changeRunSearch, isNarrowed } from '../../model/run-search.ts';
import { toVisibleText } from '../../model/visible.ts';
import type { RunSearch } from '../../model/run-search.ts';
import { LostBanner } from '../../parts/lost-banner.tsx';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { useKeys } from '../../parts/use-keys.ts';
import { FilterBar } from './filter-bar.tsx';
import { FirstRun } from './first-run.tsx';
import type { Hit } from './run-list-row.tsx';
import { RunTable } from './run-table.tsx';
import { useRuns } from './use-runs.ts';
import { VolumeChart } from './volume-chart.tsx';

const route = getRouteApi('/');

function groupHits(hits: readonly Hit[]): ReadonlyMap<string, readonly Hit[]> {
  const byRun = new Map<string, Hit[]>();
  for (const hit of hits) {
    const list = byRun.get(hit.runId);
    if (list) list.push(hit);
    else byRun.set(hit.runId, [hit]);
  }
  return byRun;
}

/** The list of runs. Its whole state is in the address. */
export function RunsPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const { query, runs, total, stream, retryStream } = useRuns(search);
  const found = useQuery(reads.search(search.q ?? ''));
  const hitsByRun = useMemo(
    () => groupHits(search.q === undefined ? [] : (found.data?.items ?? [])),
    [found.data, search.q],
  );
  const setSearch = (next: RunSearch): void => void navigate({ to: '/', search: next, replace: true });
  useEffect(() => {
    document.title =
      search.q === undefined ? 'Runs · Tachograph' : `${toVisibleText(search.q.slice(0, 80))} · Tachograph`;
  }, [search.q]);
  useKeys({
    '/': () => document.querySelector<HTMLInputElement>('input[name="q"]')?.focus(),
    Escape: (event) => {
      if (event.target instanceof HTMLElement) event.target.blur();
    },
  });
  const listKey = JSON.stringify(search);
  const isEmpty = query.isSuccess && runs.length === 0;
  const isFirst = isEmpty && !isNarrowed(search);
  return (
    <div className="runs-page">
      <h1 className="sr-only">Runs</h1>
      <LostBanner state={stream} onRetry={retryStream} />
      {isFirst ? null : <FilterBar search={search} onSearch={setSearch} />}
      {isEmpty ? null : (
        <VolumeChart search={search} onRange={(since, until) => setSearch(changeRunSearch(search, { since, until }))} />
      )}
      {query.isPending ? <Loading label="Reading the runs" /> : null}
      {query.isError && runs.length === 0 ? (
        <Failure error={query.error} what="The list" onRetry={() => void query.refetch()} />
      ) : null}
      {isFirst ? <FirstRun /> : null}
      {isEmpty && !isFirst ? (
        <Notice title={search.q === undefined ? 'No run matches' : 'Nothing found'}>
          <p className="muted">
            {search.q === undefined
              ? 'Child runs and dry runs are only listed when their boxes are ticked.'
              : 'Every word has to appear in the same message, output, argument or result. Put a phrase in double quotes.'}
          </p>
          <p>
            <button type="button" className="button" onClick={() => setSearch({})}>
              Clear search and filters
            </button>
          </p>
        </Notice>
      ) : null}
      {runs.length > 0 ? (
        <>
          <RunTable
            key={listKey}
            listKey={listKey}
            runs={runs}
            total={total}
            hitsByRun={hitsByRun}
            hasMore={query.hasNextPage && !query.isFetchingNextPage && !query.isFetchNextPageError}
            onMore={() => void query.fetchNextPage()}
          />
          <footer className="runs-foot muted">
            <span>
              {total === null ? toPlural(runs.length, 'run') : toPlural(total, 'run')}
              {total !== null && runs.length < total ? `, ${toExactCount(runs.length)} read` : ''}
              {query.isFetchingNextPage ? ', reading more' : ''}
            </span>
            {query.isFetchNextPageError ? (
              <button type="button" className="link-button" onClick={() => void query.fetchNextPage()}>
                More could not be read. Try again
              </button>
            ) : null}
            {stream.kind === 'open' ? <span className="live-note">live</span> : null}
            {stream.kind === 'off' ? <span>read again every 5 s</span> : null}
          </footer>
        </>
      ) : null}
    </div>
  );
}
