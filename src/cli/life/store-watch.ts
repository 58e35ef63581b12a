import { systemClock } from '../../core/clock.ts';
import { isTachographError } from '../../core/error.ts';
import type { Store } from '../../core/store.ts';
import type { Gauge } from '../../server/index.ts';
import type { ConnectionCounts } from '../../stores/postgres/index.ts';

/** A store whose calls are counted. */
export interface WatchedStore {
  readonly store: Store;
  /** Numbers of its calls since the server started, and how many are under way. */
  gauges(): readonly Gauge[];
}

/** Answers about what was asked, not failures of the store. */
const answers = new Set([
  'run-not-found',
  'step-not-found',
  'content-not-found',
  'key-not-found',
  'project-not-found',
  'prefix-ambiguous',
  'bad-argument',
  'bad-filter',
  'bad-cursor',
  'end-conflict',
  'store-closed',
]);

function connectionGauges(counts: ConnectionCounts | null): readonly Gauge[] {
  if (counts === null) return [];
  const { used, idle, waiting } = counts;
  return [
    {
      name: 'tachograph_store_connections',
      help: 'Connections of the store to its database that are open, by what they do.',
      samples: [
        { labels: { state: 'used' }, value: used },
        { labels: { state: 'idle' }, value: idle },
      ],
    },
    {
      name: 'tachograph_store_connections_awaited',
      help: 'Calls of the store that wait for a connection.',
      samples: [{ labels: {}, value: waiting }],
    },
  ];
}

/** Watches a store: how often it is called, how long it takes, how it fails, what is imported into it, and its connections. */
export function watchStore(store: Store & { connections?(): ConnectionCounts | null }): WatchedStore {
  const counts = { calls: 0, seconds: 0, open: 0, events: 0, duplicates: 0 };
  const failuresByCode = new Map<string, number>([['store-busy', 0]]);

  const count = async <T>(work: () => Promise<T>): Promise<T> => {
    const sinceMs = systemClock.monotonicMs();
    counts.open += 1;
    try {
      return await work();
    } catch (error) {
      const code = isTachographError(error) ? error.code : 'internal';
      if (!answers.has(code)) failuresByCode.set(code, (failuresByCode.get(code) ?? 0) + 1);
      throw error;
    } finally {
      counts.open -= 1;
      counts.calls += 1;
      counts.seconds += (systemClock.monotonicMs() - sinceMs) / 1000;
    }
  };

  const watch = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([name, value]) => [
        name,
        typeof value === 'function'
          ? (...args: unknown[]) => count(async () => (value as (...given: unknown[]) => unknown).apply(part, args))
          : value,
      ]),
    ) as T;

  const counted = watch(store);
  return {
    store: {
      ...counted,
      directory: watch(store.directory),
      async importBatch(batch) {
        const result = await counted.importBatch(batch);
        counts.events += result.events;
        counts.duplicates += result.duplicates;
        return result;
      },
    },
    gauges: () => [
      ...connectionGauges(store.connections?.() ?? null),
      counter('tachograph_store_calls_total', 'Calls of the store that were answered.', counts.calls),
      counter('tachograph_store_seconds_total', 'Time that calls of the store took, waits included.', counts.seconds),
      {
        name: 'tachograph_store_calls_open',
        help: 'Calls of the store under way; more than it has connections wait for one.',
        samples: [{ labels: {}, value: counts.open }],
      },
      {
        name: 'tachograph_store_errors_total',
        help: 'Calls that the store failed to answer, by code.',
        type: 'counter',
        samples: [...failuresByCode].map(([code, value]) => ({ labels: { code }, value })),
      },
      counter('tachograph_imported_events_total', 'Events that were imported.', counts.events),
      counter('tachograph_imported_duplicates_total', 'Events that came again and changed nothing.', counts.duplicates),
    ],
  };
}

/** A count without labels. */
export function counter(name: string, help: string, value: number): Gauge {
  return { name, help, type: 'counter', samples: [{ labels: {}, value }] };
}
