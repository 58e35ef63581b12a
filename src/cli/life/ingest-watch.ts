import { isTachographError } from '../../core/error.ts';
import type { Gauge } from '../../server/index.ts';
import type { Log } from '../log/log.ts';
import type { Reception } from './reception.ts';
import { counter } from './store-watch.ts';

/** A reception whose batches are counted. */
export interface WatchedReception {
  readonly take: Reception['take'];
  gauges(): readonly Gauge[];
}

/** Why a batch was refused: a closed list. */
const reasons = ['store-busy', 'batch-broken', 'batch-foreign', 'other'] as const;

/** Watches a reception: what it takes and refuses; the log is told when it begins and ends to make recorders wait. */
export function watchReception(reception: Reception, log: Log): WatchedReception {
  const counts = { batches: 0, entries: 0, bytes: 0 };
  const refusals = new Map<string, number>(reasons.map((reason) => [reason, 0]));
  let isFull = false;
  const setFull = (next: boolean, message = ''): void => {
    if (isFull === next) return;
    isFull = next;
    if (next) log.warn('back-pressure-on', { message });
    else log.info('back-pressure-off');
  };
  return {
    async take(projectId, batch) {
      try {
        const taken = await reception.take(projectId, batch);
        counts.batches += 1;
        counts.entries += taken.entries;
        counts.bytes += batch.byteLength;
        setFull(false);
        return taken;
      } catch (error) {
        const code = isTachographError(error) ? error.code : 'other';
        const reason = reasons.find((each) => each === code) ?? 'other';
        refusals.set(reason, refusals.get(reason)! + 1);
        if (reason === 'store-busy') setFull(true, (error as Error).message);
        throw error;
      }
    },
    gauges: () => [
      counter('tachograph_ingest_batches_total', 'Batches of other recorders that were taken.', counts.batches),
      counter('tachograph_ingest_entries_total', 'Entries in them.', counts.entries),
      counter('tachograph_ingest_bytes_total', 'Bytes of them.', counts.bytes),
      {
        name: 'tachograph_ingest_refused_total',
        help: 'Batches that were not taken, by reason.',
        type: 'counter',
        samples: [...refusals].map(([reason, value]) => ({ labels: { reason }, value })),
      },
      {
        name: 'tachograph_ingest_back_pressure',
        help: '1 while recorders are asked to wait.',
        samples: [{ labels: {}, value: isFull ? 1 : 0 }],
      },
    ],
  };
}
