import type { Journal, JournalEntry } from '../../src/core/journal.ts';

/** A journal that keeps its entries in memory, in order. */
export interface MemoryJournal extends Journal {
  readonly entries: readonly JournalEntry[];
}

/** An empty one. It never loses anything. */
export function createMemoryJournal(): MemoryJournal {
  const entries: JournalEntry[] = [];
  return {
    entries,
    durability: 'process',
    append(entry) {
      entries.push(entry);
      return 'kept';
    },
    takeLoss: () => null,
    generation: () => 0,
    flush: async () => ({ state: 'durable', written: entries.length, lost: 0 }),
    close: async () => undefined,
  };
}
