import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { reads } from '../../api/reads.ts';
import type { RunView } from '../../api/wire.ts';
import { toMoment, toShortId } from '../../model/figures.ts';

/** Chooses the run to compare with among the newest of the same agent. */
export function RunPicker({ first, second }: { first: RunView; second: RunView }) {
  const navigate = useNavigate();
  const { data = [] } = useQuery(reads.latestOf(first.agentId));
  const runs = data.some(({ id }) => id === second.id) ? data : [second, ...data];
  return (
    <label className="diff-pick">
      with{' '}
      <select
        value={second.id}
        onChange={(event) =>
          void navigate({
            to: '/runs/$id/diff/$other',
            params: { id: first.id, other: event.target.value },
            search: {},
          })
        }
      >
        {runs.map((run) => (
          <option key={run.id} value={run.id}>
            {toMoment(run.startedAtMs ?? run.createdAtMs, Date.now())} · {run.status} · {toShortId(run.id)}
            {run.id === first.id ? ' (the same run)' : ''}
          </option>
        ))}
      </select>
    </label>
  );
}
