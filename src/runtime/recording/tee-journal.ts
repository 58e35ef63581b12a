import type { Journal, JournalEntry, JournalLoss } from '../../core/journal.ts';
import type { ImportQueue } from './import-queue.ts';

/** A journal whose entries are handed to the store as well. */
export interface TeeJournal extends Journal {
  /** What was written before can no longer be relied on: the recorder writes contents anew. */
  forget(): void;
}

/**
 * Every entry goes to the inner journal at once (I2), and into the queue. What the inner one loses is not lost as long as
 * the queue carries it; what neither has is counted.
 */
export function createTeeJournal(inner: Journal, queue: ImportQueue): TeeJournal {
  const lostByRun = new Map<string, number>();
  let generation = 0;
  let innerGeneration = inner.generation();

  const note = (entry: JournalEntry): void => {
    const { runId } = entry.event.header;
    lostByRun.set(runId, (lostByRun.get(runId) ?? 0) + 1);
  };

  return {
    durability: inner.durability,
    append(entry) {
      const outcome = inner.append(entry);
      const isCarried = queue.push(entry);
      if (outcome === 'lost' && !isCarried) note(entry);
      return outcome;
    },
    appendAll(entries) {
      const outcome = inner.appendAll?.(entries) ?? null;
      let worst: 'kept' | 'degraded' | 'lost' = outcome ?? 'kept';
      for (const entry of entries) {
        const own = outcome ?? inner.append(entry);
        if (own === 'lost' || worst === 'kept') worst = own;
        if (!queue.push(entry) && own === 'lost') note(entry);
      }
      return worst;
    },
    takeLoss() {
      const loss: JournalLoss | null = inner.takeLoss();
      if (loss === null) return null;
      const eventsByRun = new Map(lostByRun);
      lostByRun.clear();
      return eventsByRun.size === 0 ? null : { ...loss, eventsByRun };
    },
    generation() {
      const now = inner.generation();
      if (now !== innerGeneration) generation += 1;
      innerGeneration = now;
      return generation;
    },
    forget: () => void (generation += 1),
    ...(inner.beat === undefined ? {} : { beat: () => inner.beat!() }),
    async flush(options) {
      if (options?.to === 'index') await queue.settle();
      return await inner.flush(options);
    },
    async close() {
      await queue.close();
      await inner.close();
    },
  };
}
