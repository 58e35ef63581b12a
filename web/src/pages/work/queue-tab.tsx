import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { WorkCounts } from '../../api/wire.ts';
import { workReads } from '../../api/work-reads.ts';
import { toDuration, toExactCount } from '../../model/figures.ts';
import type { WorkSearch } from '../../model/work/work-search.ts';
import { runStatuses } from '../../model/run-search.ts';
import { countsToRows } from '../../model/work/work-search.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { WorkTable } from './work-table.tsx';

const route = getRouteApi('/work');

function Counts({ counts, nowMs, search }: WorkCounts & { search: WorkSearch }) {
  const oldest = counts.reduce<number | null>(
    (least, { oldestQueueAtMs: at }) => (at !== null && (least === null || at < least) ? at : least),
    null,
  );
  const states = runStatuses.filter((state) => counts.some((count) => count.state === state));
  return (
    <section aria-label="Runs by agent and state">
      <p className="muted work-note">
        {oldest === null || oldest > nowMs
          ? 'Nothing waits for a worker.'
          : `The oldest run has waited ${toDuration(nowMs - oldest)} for a worker.`}
      </p>
      <div className="wide-scroll">
        <table className="table wide-table">
          <thead>
            <tr>
              <th scope="col">Agent</th>
              {states.map((state) => (
                <th key={state} scope="col" className="num">
                  {state.replaceAll('_', ' ')}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {countsToRows(counts).map(({ agentId, countByState }) => (
              <tr key={agentId}>
                <th scope="row">
                  <Link to="/work" search={search.agent === agentId ? {} : { agent: agentId }}>
                    <Words text={agentId} charsMax={80} />
                  </Link>
                </th>
                {states.map((state) => {
                  const count = countByState.get(state) ?? 0;
                  return (
                    <td key={state} className={count === 0 ? 'num faint' : 'num'}>
                      {count === 0 ? (
                        '0'
                      ) : (
                        <Link to="/work" search={{ agent: agentId, state }}>
                          {toExactCount(count)}
                        </Link>
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** What waits, sleeps and is worked on, by agent and state, and the newest runs of it. */
export function QueueTab() {
  const search = route.useSearch();
  const counts = useQuery(workReads.counts());
  const list = useQuery(workReads.list(search, false));
  if (counts.isError) return <Failure error={counts.error} what="The queue" onRetry={() => void counts.refetch()} />;
  if (list.isError) return <Failure error={list.error} what="The queue" onRetry={() => void list.refetch()} />;
  if (counts.data === undefined || list.data === undefined) return <Loading label="Reading the queue" />;
  if (counts.data.counts.length === 0)
    return (
      <Notice title="No run was created as work yet">
        <p>
          A run that a program records is not listed here. To let workers take runs: <code>tachograph create</code>,
          then <code>tachograph worker</code>.
        </p>
      </Notice>
    );
  const isFiltered = search.state !== undefined || search.agent !== undefined;
  return (
    <>
      <Counts counts={counts.data.counts} nowMs={counts.data.nowMs} search={search} />
      <h2 className="work-title">
        {isFiltered ? (
          <>
            <Words
              text={[search.agent, search.state?.replaceAll('_', ' ')].filter((part) => part !== undefined).join(', ')}
              charsMax={120}
            />{' '}
            <Link to="/work" search={{}} className="small-button">
              show all
            </Link>
          </>
        ) : (
          'Newest runs'
        )}
      </h2>
      {list.data.items.length === 0 ? (
        <p className="muted">There is none now.</p>
      ) : (
        <WorkTable items={list.data.items} nowMs={list.data.nowMs} />
      )}
    </>
  );
}
