import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { isOffline } from '../../api/book.ts';
import type { RunView } from '../../api/wire.ts';
import { cancelRun, workReads } from '../../api/work-reads.ts';
import { isRunOpen } from '../../model/badges.ts';
import { toDuration } from '../../model/figures.ts';
import { toDistance, workToPlace } from '../../model/work/work-search.ts';
import { Words } from '../../parts/recorded-text.tsx';

function Cancel({ runId }: { runId: string }) {
  const [isAsked, setAsked] = useState(false);
  const client = useQueryClient();
  const stop = useMutation({
    mutationFn: () => cancelRun(runId),
    onSuccess: () => client.invalidateQueries(),
  });
  if (stop.isError)
    return (
      <span className="bad" role="alert">
        <Words text={stop.error.message} charsMax={200} />
      </span>
    );
  if (!isAsked)
    return (
      <button type="button" className="small-button" onClick={() => setAsked(true)}>
        Cancel run
      </button>
    );
  return (
    <span className="work-ask">
      Stop it and its child runs?{' '}
      <button type="button" className="small-button" disabled={stop.isPending} onClick={() => stop.mutate()}>
        Stop now
      </button>{' '}
      <button type="button" className="small-button" onClick={() => setAsked(false)}>
        Leave it
      </button>
    </span>
  );
}

/** Of a run that was created as work: where it stands, who has it, how often it was tried, and the way to stop it. */
export function WorkLine({ run }: { run: RunView }) {
  const isOpen = isRunOpen(run) || run.status === 'pending';
  const { data } = useQuery({ ...workReads.ofRun(run.id, isOpen), enabled: run.work !== null && !isOffline });
  if (run.work === null) return null;
  const { attempts, attemptsMax, workerId, handlerVersion } = run.work;
  const place = data === undefined ? null : workToPlace(data.work, data.nowMs);
  const lease = data?.work.leaseExpiresAtMs ?? null;
  return (
    <p className="work-line muted">
      <Link to="/work" search={{ agent: run.agentId }}>
        Work
      </Link>
      {place === null || place === 'over' ? null : <span>{place}</span>}
      <span>
        attempt {attempts} of {attemptsMax}
      </span>
      {workerId === null ? null : (
        <span>
          worker <Words text={workerId} charsMax={40} />
        </span>
      )}
      {lease === null || data === undefined ? null : (
        <span>lease ends {toDistance(lease, data.nowMs, toDuration)}</span>
      )}
      {handlerVersion === null ? null : (
        <span>
          handler <Words text={handlerVersion} charsMax={30} />
        </span>
      )}
      {isOpen && !isOffline ? <Cancel runId={run.id} /> : null}
    </p>
  );
}
