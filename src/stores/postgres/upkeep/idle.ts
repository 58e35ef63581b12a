import type { Database } from '../database.ts';
import { createIndexing } from './indexing.ts';
import { createPacking } from './packing.ts';

/** What is done while nobody writes: words are indexed and ended runs packed. */
export interface Idle {
  /** A project has something to do. With no time to wait, it is done before this resolves. */
  note(projectId: string): Promise<void>;
  /** Ends it; what was begun is finished. */
  close(): Promise<void>;
}

const retryMs = 5000;
/** A store that is never still is not waited for any longer: a search would fall behind without end. */
const waitMaxMs = 2000;

async function tend(db: Database, projectId: string, isClosed: () => boolean): Promise<void> {
  const works = [createIndexing(db, projectId), createPacking(db, projectId)];
  // Side by side: one waits for the server while the other counts.
  const ends = await Promise.allSettled(
    works.map(async (work) => {
      while (!isClosed() && (await work.next()));
    }),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Does what waits in a project, until nothing does or `isClosed` says to stop. */
export type Tend = (projectId: string, isClosed: () => boolean) => Promise<void>;

/** Work for idle moments of a store: `afterMs` after the last write of this process, and 2 s after the first at the latest. */
export function createIdle(db: Database, afterMs: number): Idle {
  return createIdleFrom((projectId, isClosed) => tend(db, projectId, isClosed), afterMs);
}

/** The same over a given way to do the work. */
export function createIdleFrom(work: Tend, afterMs: number): Idle {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isClosed = false;
  /** When the first of what waits was noted. */
  let sinceMs: number | null = null;

  const later = (ms: number): void => {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => {
      sinceMs = null;
      running = running.then(workAll);
    }, ms);
    timer.unref();
  };
  const workAll = async (): Promise<void> => {
    for (const projectId of [...waiting]) {
      // Taken out first: what is noted while it is worked on is for the next time.
      waiting.delete(projectId);
      try {
        await work(projectId, () => isClosed);
      } catch {
        // Whatever failed is heard by whoever reads or writes; here it can wait.
        waiting.add(projectId);
        later(retryMs);
        return;
      }
    }
  };
  return {
    async note(projectId) {
      if (afterMs === 0) return work(projectId, () => isClosed);
      waiting.add(projectId);
      sinceMs ??= performance.now();
      later(Math.min(afterMs, Math.max(0, sinceMs + waitMaxMs - performance.now())));
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
