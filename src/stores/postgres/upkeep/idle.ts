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

/** Work for idle moments, `afterMs` after the last write of this process. */
export function createIdle(db: Database, afterMs: number): Idle {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let isClosed = false;

  const later = (ms: number): void => {
    clearTimeout(timer);
    if (isClosed) return;
    timer = setTimeout(() => {
      running = running.then(work);
    }, ms);
    timer.unref();
  };
  const work = async (): Promise<void> => {
    for (const projectId of [...waiting]) {
      try {
        await tend(db, projectId, () => isClosed);
        waiting.delete(projectId);
      } catch {
        // Whatever failed is heard by whoever reads or writes; here it can wait.
        later(retryMs);
        return;
      }
    }
  };
  return {
    async note(projectId) {
      if (afterMs === 0) return tend(db, projectId, () => isClosed);
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
