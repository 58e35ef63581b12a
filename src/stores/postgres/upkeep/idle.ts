import type { Database } from '../database.ts';
import { indexWaiting } from '../search.ts';
import { packNextRuns } from './packing.ts';

/** What is done while nobody writes: words are indexed and ended runs packed. */
export interface Idle {
  /** A project has something to do. With no time to wait, it is done before this resolves. */
  note(projectId: string): Promise<void>;
  /** Ends it; what was begun is finished. */
  close(): Promise<void>;
}

const retryMs = 5000;

async function tend(db: Database, projectId: string, isClosed: () => boolean): Promise<void> {
  for (let isDone = false; !isDone && !isClosed();) isDone = await indexWaiting(db, projectId, 1);
  while (!isClosed() && (await db.change(projectId, packNextRuns)));
}

/** Does what waits in a project, until nothing does or `isClosed` says to stop. */
export type Tend = (projectId: string, isClosed: () => boolean) => Promise<void>;

/** Work for idle moments of a store, `afterMs` after the last write of this process. */
export function createIdle(db: Database, afterMs: number): Idle {
  return createIdleFrom((projectId, isClosed) => tend(db, projectId, isClosed), afterMs);
}

/** The same over a given way to do the work. */
export function createIdleFrom(work: Tend, afterMs: number): Idle {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isClosed = false;

  const later = (ms: number): void => {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => {
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
      later(afterMs);
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
