import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { WireWork } from '../../api/wire.ts';
import { toDuration, toIso, toShortId } from '../../model/figures.ts';
import { toDistance, workToPlace } from '../../model/work/work-search.ts';
import { Words } from '../../parts/recorded-text.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';

/** A table that scrolls sideways where it is wider than the page. */
export function WideTable({
  columns,
  numbers = [],
  children,
}: {
  columns: readonly string[];
  /** Columns of numbers, which stand to the right. */
  numbers?: readonly string[];
  children: ReactNode;
}) {
  return (
    <div className="wide-scroll">
      <table className="table wide-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" className={numbers.includes(column) ? 'num' : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** A time as a distance from the store's now, with the moment itself behind it. */
export function Distance({ timeMs, nowMs }: { timeMs: number | null; nowMs: number }) {
  return (
    <span className={timeMs === null ? 'faint' : undefined} title={timeMs === null ? undefined : toIso(timeMs)}>
      {toDistance(timeMs, nowMs, toDuration)}
    </span>
  );
}

/** The way to a run's record. */
export function RunLink({ runId }: { runId: string }) {
  return (
    <Link to="/runs/$id" params={{ id: runId }} search={{}} className="mono" title={runId}>
      {toShortId(runId)}
    </Link>
  );
}

/** Attempts so far of those there may be. */
export const toAttempts = ({ attempts, attemptsMax }: Pick<WireWork, 'attempts' | 'attemptsMax'>): string =>
  `${attempts} of ${attemptsMax}`;

const columns = ['State', 'Run', 'Agent', 'Where it stands', 'Attempts', 'Priority', 'Worker', 'Lease ends', 'Created'];

/** Runs as work, a row each. */
export function WorkTable({ items, nowMs }: { items: readonly WireWork[]; nowMs: number }) {
  return (
    <WideTable columns={columns} numbers={['Attempts', 'Priority']}>
      {items.map((work) => {
        const place = workToPlace(work, nowMs);
        return (
          <tr key={work.runId}>
            <td>
              <StatusMark status={work.state} />
            </td>
            <th scope="row">
              <RunLink runId={work.runId} />
              {work.shadow ? <span className="badge">shadow</span> : null}
            </th>
            <td>
              <Words text={work.agentId} charsMax={60} />
            </td>
            <td>
              {place === 'over' ? <Words text={work.errorCode ?? work.endReason ?? ''} charsMax={60} /> : place}
              {place === 'sleeps' ? (
                <>
                  , <Distance timeMs={work.queueAtMs} nowMs={nowMs} />
                </>
              ) : null}
              {place === 'over' || work.errorCode === null ? null : (
                <small className="warn-text" title="How the last attempt failed">
                  {' '}
                  after <Words text={work.errorCode} charsMax={40} />
                </small>
              )}
              {work.waitingFor === null ? null : (
                <>
                  {' '}
                  <Words text={work.waitingFor} charsMax={40} />
                </>
              )}
            </td>
            <td className="num">{toAttempts(work)}</td>
            <td className="num">{work.priority}</td>
            <td className={work.workerId === null ? 'faint' : undefined}>
              <Words text={work.workerId ?? 'n/a'} charsMax={40} />
            </td>
            <td>
              <Distance timeMs={work.leaseExpiresAtMs} nowMs={nowMs} />
            </td>
            <td>
              <Distance timeMs={work.createdAtMs} nowMs={nowMs} />
            </td>
          </tr>
        );
      })}
    </WideTable>
  );
}
