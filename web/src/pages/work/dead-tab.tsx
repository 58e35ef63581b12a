import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import type { WireWork } from '../../api/wire.ts';
import { redriveRun, workReads } from '../../api/work-reads.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { Distance, RunLink, toAttempts, WideTable } from './work-table.tsx';

const route = getRouteApi('/work');
const columns = ['Run', 'Agent', 'Failed with', 'Attempts', 'Ended', ''];

function Redrive({ work }: { work: WireWork }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const drive = useMutation({
    mutationFn: () => redriveRun(work.runId),
    onSuccess: async ({ runId }) => {
      await client.invalidateQueries({ queryKey: ['work'] });
      await navigate({ to: '/runs/$id', params: { id: runId }, search: {} });
    },
  });
  if (!work.isRedrivable)
    return (
      <span className="faint" title="Its input went when it ended: only a run created as redrivable keeps it">
        input is gone
      </span>
    );
  return (
    <>
      <button type="button" className="small-button" disabled={drive.isPending} onClick={() => drive.mutate()}>
        Drive again
      </button>
      {drive.isError ? (
        <span className="bad" role="alert">
          {' '}
          <Words text={drive.error.message} charsMax={200} />
        </span>
      ) : null}
    </>
  );
}

/** Runs that failed with no attempt left. */
export function DeadTab() {
  const search = route.useSearch();
  const { data, error, isError, refetch } = useQuery(workReads.list(search, true));
  if (isError) return <Failure error={error} what="The dead runs" onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading label="Looking for dead runs" />;
  if (data.items.length === 0) return <Notice title="No run died" />;
  return (
    <WideTable columns={columns} numbers={['Attempts']}>
      {data.items.map((work) => (
        <tr key={work.runId}>
          <th scope="row">
            <RunLink runId={work.runId} />
          </th>
          <td>
            <Words text={work.agentId} charsMax={60} />
          </td>
          <td>
            <code>
              <Words text={work.errorCode ?? work.endReason ?? 'n/a'} charsMax={60} />
            </code>
          </td>
          <td className="num">{toAttempts(work)}</td>
          <td>
            <Distance timeMs={work.finishedAtMs} nowMs={data.nowMs} />
          </td>
          <td>
            <Redrive work={work} />
          </td>
        </tr>
      ))}
    </WideTable>
  );
}
