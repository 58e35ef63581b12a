import { isTerminal, runStatuses } from '../../core/model/run.ts';
import { isLeased } from '../../core/work/state.ts';
import type { WorkStore } from '../../core/work/work.ts';
import type { Gauge } from '../metrics.ts';
import { readCounts } from './work-counts.ts';

/** A worker that was not seen for so long is taken for gone. */
const seenMs = 60_000;

const one = (name: string, help: string, value: number): Gauge => ({ name, help, samples: [{ labels: {}, value }] });

/** Numbers of a project's runs as work: how many are in which state, how long the oldest waits, leases and workers. */
export async function readWorkGauges(work: WorkStore, projectId: string): Promise<readonly Gauge[]> {
  const counts = await readCounts(work, projectId);
  const nowMs = await work.nowMs();
  const workers = await work.listWorkers(projectId);
  const sumOf = (isOf: (state: (typeof counts)[number]['state']) => boolean): number =>
    counts.reduce((sum, { state, count }) => (isOf(state) ? sum + count : sum), 0);
  const oldest = counts.map(({ oldestQueueAtMs }) => oldestQueueAtMs).filter((time) => time !== null);
  const waitMs = oldest.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...oldest));
  return [
    {
      name: 'tachograph_work',
      help: 'Runs as work that have not ended, by state.',
      samples: runStatuses
        .filter((state) => !isTerminal(state))
        .map((state) => ({ labels: { state }, value: sumOf((each) => each === state) })),
    },
    one(
      'tachograph_work_oldest_seconds',
      'How long the run that waits longest for a worker has waited.',
      waitMs / 1000,
    ),
    one('tachograph_work_leases', 'Runs under the lease of a worker.', sumOf(isLeased)),
    one(
      'tachograph_workers',
      'Workers that were seen within a minute.',
      workers.filter(({ seenAtMs }) => nowMs - seenAtMs < seenMs).length,
    ),
  ];
}
