import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { reads } from '../../api/reads.ts';
import type { TotalsRow } from '../../api/wire.ts';
import { sumToCost } from '../../model/cost/sum.ts';
import { toCount, toDuration, toExactCount } from '../../model/figures.ts';
import { groupings, toCacheRate, toPercent } from '../../model/numbers-search.ts';
import type { Grouping } from '../../model/numbers-search.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import '../../styles/numbers.css';

const route = getRouteApi('/numbers');

const times = [
  ['', 'All time'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
] as const;

const columns = [
  'Runs',
  'Steps',
  'Errors',
  'Error rate',
  'Input',
  'Cache hits',
  'Output',
  'Cost',
  'p50',
  'p90',
  'p99',
] as const;

function rowCells(row: TotalsRow): readonly string[] {
  return [
    toExactCount(row.runs),
    toExactCount(row.steps),
    toExactCount(row.errors),
    toPercent(row.errorRate),
    toCount(row.usage.input.total),
    toPercent(toCacheRate(row)),
    toCount(row.usage.output.total),
    sumToCost(row),
    toDuration(row.durationP50Ms),
    toDuration(row.durationP90Ms),
    toDuration(row.durationP99Ms),
  ];
}

/** The runs behind a row. A UTC day is a range of time. */
function rowSearch(by: Grouping, key: string) {
  if (by === 'agent') return { agent: key, nested: '1' as const };
  if (by === 'model') return { model: key, nested: '1' as const };
  const startMs = Date.parse(`${key}T00:00:00Z`);
  if (Number.isNaN(startMs)) return {};
  return {
    since: new Date(startMs).toISOString(),
    until: new Date(startMs + 86_400_000).toISOString(),
    nested: '1' as const,
  };
}

function Totals({ by, rows }: { by: Grouping; rows: readonly TotalsRow[] }) {
  return (
    <div className="wide-scroll">
      <table className="table wide-table">
        <thead>
          <tr>
            <th scope="col">{by === 'day' ? 'Day (UTC)' : by === 'model' ? 'Model' : 'Agent'}</th>
            {columns.map((column) => (
              <th key={column} scope="col" className="num">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">
                <Link to="/" search={rowSearch(by, row.key)}>
                  <Words text={row.key === '' ? 'unknown' : row.key} charsMax={80} />
                </Link>
              </th>
              {rowCells(row).map((cell, index) => (
                <td
                  key={columns[index]}
                  className={cell === 'n/a' ? 'num faint' : row.errors > 0 && index === 2 ? 'num bad' : 'num'}
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Cost, tokens, latency, error and cache-hit rates by model, agent or day. Dry runs are left out. */
export function NumbersPage() {
  const search = route.useSearch();
  const navigate = useNavigate();
  const by = search.by ?? 'model';
  const totals = useQuery(reads.stats(by, search.since));
  useEffect(() => {
    document.title = 'Numbers · Tachograph';
  }, []);
  return (
    <div className="numbers-page">
      <div className="numbers-head">
        <h1>Numbers</h1>
        <div className="numbers-by" role="group" aria-label="Group by">
          {groupings.map((grouping) => (
            <Link
              key={grouping}
              to="/numbers"
              search={{ ...search, by: grouping }}
              replace
              className={grouping === by ? 'small-button chosen' : 'small-button'}
            >
              by {grouping}
              {grouping === by ? <span className="sr-only">, chosen</span> : null}
            </Link>
          ))}
        </div>
        <select
          className="field"
          aria-label="Started"
          value={search.since ?? ''}
          onChange={(event) =>
            void navigate({
              to: '/numbers',
              search: { by, ...(event.target.value === '' ? {} : { since: event.target.value }) },
              replace: true,
            })
          }
        >
          {times.map(([time, label]) => (
            <option key={time} value={time}>
              {label}
            </option>
          ))}
          {times.some(([time]) => time === (search.since ?? '')) ? null : (
            <option value={search.since}>since {search.since}</option>
          )}
        </select>
      </div>
      {totals.isError ? (
        <Failure error={totals.error} what="The numbers" onRetry={() => void totals.refetch()} />
      ) : null}
      {totals.isPending ? <Loading label="Adding up" /> : null}
      {totals.data?.rows.length === 0 ? <Notice title="Nothing ran in this time" /> : null}
      {totals.data !== undefined && totals.data.rows.length > 0 ? (
        <Totals by={totals.data.by} rows={totals.data.rows} />
      ) : null}
    </div>
  );
}
