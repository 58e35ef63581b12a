import type { Journal, JournalEntry } from './journal.ts';

/** A journal that keeps its entries in memory, in order, for whoever hands them on. */
export interface MemoryJournal extends Journal {
  /** What was appended and not taken. */
  readonly entries: readonly JournalEntry[];
  /** The entries, which are forgotten here. */
  take(): readonly JournalEntry[];
}

/** An empty one. It never loses anything; its entries are as durable as what is done with them. */
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
    take: () => entries.splice(0),
  };
}
