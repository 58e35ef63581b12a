import type { News, RunNews } from '../../server/index.ts';
import { listenPostgres } from '../../stores/postgres/index.ts';

/** News of runs for the open pages of a server. */
export interface Newsroom extends News {
  /** This process's indexer brought a run on. */
  tell(change: RunNews): void;
  /** Some process has changed something. */
  stir(): void;
}

/** A newsroom that nobody listens to yet. */
export function createNewsroom(): Newsroom {
  const readers = new Set<(change: RunNews) => void>();
  const sleepers = new Set<() => void>();
  return {
    subscribe(listener) {
      readers.add(listener);
      return () => void readers.delete(listener);
    },
    stirred(listener) {
      sleepers.add(listener);
      return () => void sleepers.delete(listener);
    },
    tell(change) {
      for (const listener of readers) listener(change);
    },
    stir() {
      for (const listener of sleepers) listener();
    },
  };
}

/**
 * Hears of what other servers write, by TACHOGRAPH_DATABASE_DIRECT_URL, which leads past a pooler; without it pages learn of
 * it when the store is asked next, within a second. Gives back what ends it.
 */
export async function listenForOthers(
  newsroom: Newsroom,
  variables: Readonly<Record<string, string | undefined>>,
  onError: (error: unknown) => void,
): Promise<{ close(): Promise<void> }> {
  const url = variables['TACHOGRAPH_DATABASE_DIRECT_URL'] ?? '';
  if (url === '') return { close: async () => undefined };
  return listenPostgres({ url, onChange: () => newsroom.stir(), onError });
}
