import { useQuery } from '@tanstack/react-query';
import type { WireLease, WireWorker } from '../../api/wire.ts';
import { workReads } from '../../api/work-reads.ts';
import { Failure, Loading, Notice } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';
import { Distance, RunLink, toAttempts, WideTable } from './work-table.tsx';

/** A worker that was silent for so long is shown as gone: three heartbeats of the usual ten seconds. */
const silentMs = 30_000;

const leaseColumns = ['State', 'Run', 'Agent', 'Attempt', 'Lease', 'Lease ends', 'Begun'];

function Leases({ leases, nowMs }: { leases: readonly WireLease[]; nowMs: number }) {
  return (
    <WideTable columns={leaseColumns} numbers={['Attempt', 'Lease']}>
      {leases.map((lease) => (
        <tr key={lease.runId}>
          <td>
            <StatusMark status={lease.state} />
          </td>
          <th scope="row">
            <RunLink runId={lease.runId} />
          </th>
          <td>
            <Words text={lease.agentId} charsMax={60} />
          </td>
          <td className="num">{toAttempts(lease)}</td>
          <td className="num">{lease.leaseEpoch}</td>
          <td className={lease.leaseExpiresAtMs !== null && lease.leaseExpiresAtMs <= nowMs ? 'bad' : undefined}>
            <Distance timeMs={lease.leaseExpiresAtMs} nowMs={nowMs} />
          </td>
          <td>
            <Distance timeMs={lease.startedAtMs} nowMs={nowMs} />
          </td>
        </tr>
      ))}
    </WideTable>
  );
}

function Worker({ worker, nowMs }: { worker: WireWorker; nowMs: number }) {
  const isSilent = nowMs - worker.seenAtMs > silentMs;
  return (
    <section className="work-card" aria-label={`Worker ${worker.workerId}`}>
      <h2 className="work-title">
        <Words text={worker.workerId} charsMax={80} />{' '}
        <span className={isSilent ? 'bad' : 'muted'}>
          {isSilent ? 'silent' : worker.isStopping ? 'stopping' : 'at work'}, seen{' '}
          <Distance timeMs={worker.seenAtMs} nowMs={nowMs} />
        </span>
      </h2>
      <p className="muted work-note">
        <Words text={`${worker.host}, process ${worker.pid}`} charsMax={120} /> · {worker.leases.length} of{' '}
        {worker.concurrency} runs · takes <Words text={worker.agentIds.join(', ')} charsMax={200} />
      </p>
      {worker.leases.length === 0 ? null : <Leases leases={worker.leases} nowMs={nowMs} />}
    </section>
  );
}

/** Processes that take runs, with the leases they hold; and leases whose worker does not show itself. */
export function WorkersTab() {
  const { data, error, isError, refetch } = useQuery(workReads.workers());
  if (isError) return <Failure error={error} what="The workers" onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading label="Looking for workers" />;
  const { workers, strays, nowMs } = data;
  if (workers.length + strays.length === 0)
    return (
      <Notice title="No worker shows itself">
        <p>
          Start one with <code>tachograph worker agents.mjs</code>. Runs that wait stay in the queue until then.
        </p>
      </Notice>
    );
  return (
    <>
      {workers.map((worker) => (
        <Worker key={worker.workerId} worker={worker} nowMs={nowMs} />
      ))}
      {strays.length === 0 ? null : (
        <section className="work-card" aria-label="Leases without a worker">
          <h2 className="work-title">
            Leases without a worker <span className="muted">others get these runs when they end</span>
          </h2>
          <Leases leases={strays} nowMs={nowMs} />
        </section>
      )}
    </>
  );
}
