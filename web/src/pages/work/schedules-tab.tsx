import { useQuery } from '@tanstack/react-query';
import { workReads } from '../../api/work-reads.ts';
import { toIso, toMoment } from '../../model/figures.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { useNow } from '../../parts/use-now.ts';
import { WideTable } from './work-table.tsx';

const columns = ['Schedule', 'Agent', 'When', 'Time zone', 'Next', 'Last'];

function Moment({ timeMs, nowMs }: { timeMs: number | null; nowMs: number }) {
  if (timeMs === null) return <span className="faint">n/a</span>;
  return <span title={toIso(timeMs)}>{toMoment(timeMs, nowMs)}</span>;
}

/** When runs are created by themselves. */
export function SchedulesTab() {
  const { data, error, isError, refetch } = useQuery(workReads.schedules());
  const nowMs = useNow(30_000);
  if (isError) return <Failure error={error} what="The schedules" onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading label="Reading schedules" />;
  if (data.length === 0)
    return (
      <Notice title="Nothing is scheduled">
        <p>
          Make a schedule with <code>tachograph schedule put</code>.
        </p>
      </Notice>
    );
  return (
    <WideTable columns={columns}>
      {data.map((schedule) => (
        <tr key={schedule.id}>
          <th scope="row">
            <Words text={schedule.id} charsMax={80} />
            {schedule.isPaused ? <span className="badge">paused</span> : null}
          </th>
          <td>
            <Words text={schedule.agentId} charsMax={60} />
          </td>
          <td>
            <code>
              <Words text={schedule.cron} charsMax={60} />
            </code>
          </td>
          <td>
            <Words text={schedule.timeZone} charsMax={40} />
          </td>
          <td>
            <Moment timeMs={schedule.isPaused ? null : schedule.nextAtMs} nowMs={nowMs} />
          </td>
          <td>
            <Moment timeMs={schedule.lastAtMs} nowMs={nowMs} />
          </td>
        </tr>
      ))}
    </WideTable>
  );
}
