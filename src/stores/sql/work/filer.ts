/** Files what waits, by itself, soon after it was written. */
export interface Filer {
  /** Something of a project waits. */
  note(projectId: string): void;
  /** Files some of what waits still, and ends it: the rest is filed by whoever opens the store next. */
  close(): Promise<void>;
}

/** Files a part of what waits. `more`: it was as much as is filed at once. `busy`: somebody else is at it. */
export type FileNext = (projectId: string) => Promise<'done' | 'more' | 'busy'>;

const afterMs = 20;
const retryMs = 1000;
/*
 * A part costs nearly the same whether it has three entries or a hundred, and takes from what is worked on meanwhile: at one
 * part after the other, claims and ends came to a third (2026-11-21). So it rests six times as long as it took, half a second
 * at most, which nobody notices who writes now and then, and does more at once for those who write all the time.
 */
const rest = { share: 6, msMax: 500 };

/** A filer that calls `fileNext` within 25 ms of a note that comes after a rest, a part of each project in turn, until nothing waits. */
export function createFiler(fileNext: FileNext): Filer {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let filing: Promise<void> | null = null;
  let isClosed = false;
  let restUntilMs = 0;

  const wakeIn = (ms: number): void => {
    if (isClosed || timer !== null || filing !== null) return;
    timer = setTimeout(
      () => {
        timer = null;
        filing = fileAll();
      },
      Math.max(ms, restUntilMs - performance.now()),
    );
    timer.unref();
  };
  const fileAll = async (): Promise<void> => {
    let waitMs = 0;
    let isMore = false;
    const sinceMs = performance.now();
    for (const projectId of [...waiting]) {
      // Taken out first: what is noted while it is filed is for the next time.
      waiting.delete(projectId);
      try {
        const state = await fileNext(projectId);
        if (state !== 'done') waiting.add(projectId);
        if (state === 'more') isMore = true;
        if (state === 'busy') waitMs = Math.max(waitMs, afterMs);
      } catch {
        // Nothing is lost: it waits in the store. Whatever failed is heard by whoever reads or writes.
        waiting.add(projectId);
        waitMs = retryMs;
      }
    }
    filing = null;
    const nowMs = performance.now();
    restUntilMs = isMore ? nowMs : nowMs + Math.min(rest.msMax, rest.share * (nowMs - sinceMs));
    if (waiting.size > 0) wakeIn(waitMs);
  };
  return {
    note(projectId) {
      waiting.add(projectId);
      wakeIn(afterMs);
    },
    async close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await filing;
      if (waiting.size > 0) await fileAll();
    },
  };
}
