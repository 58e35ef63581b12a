import type { Clock } from '../../core/clock.ts';
import { TachographError } from '../../core/error.ts';
import type { JournalEntry } from '../../core/journal.ts';
import type { Store } from '../../core/store.ts';
import type { Brought } from '../../core/work/work.ts';

/** Brings what a process records into the store, in order, one batch at a time. */
export interface ImportQueue {
  /** Takes an entry; false when too much waits already: then it is not brought. */
  push(entry: JournalEntry): boolean;
  /**
   * Resolves when all that was pushed before is in the store. `E-RUN-007` when the store does not take it in time; it stays
   * queued all the same.
   */
  settle(): Promise<void>;
  /** Takes out what waits of these runs, to be written with a change of theirs; what is under way is waited for. */
  take(runIds: ReadonlySet<string>): Promise<Taken>;
  /** Brings what was taken out all the same: the change was not made. */
  putBack(entries: readonly JournalEntry[]): void;
  /** Entries that wait. */
  readonly size: number;
  /** Tries for as long as `settle` does to bring what waits, and stops. Never rejects. */
  close(): Promise<void>;
}

/** What was taken out of a queue. */
export interface Taken {
  /** In order. */
  readonly entriesByRun: ReadonlyMap<string, readonly JournalEntry[]>;
  /** Contents and nodes of other runs that wait still, and that what was taken or is drafted by now may name. */
  others(): readonly Brought[];
  /**
   * To be called with whether the contents of what was taken and of those others are in the store now; the first call
   * counts. Until then nothing is brought that may name them.
   */
  done(isLanded: boolean): void;
}

/** How an import queue is made. */
export interface ImportQueueOptions {
  readonly store: Pick<Store, 'importBatch'>;
  readonly projectId: string;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  /** What nobody waits for is brought after so long, 15 ms unless said; of much at once after `busyLagMs`. */
  readonly lagMs?: number;
  /** So long a settling waits for a store that is away. */
  readonly settleMs?: number;
  readonly backlogBytesMax: number;
}

interface Waiter {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly timer: NodeJS.Timeout;
}

interface Queued {
  readonly entry: JournalEntry;
  readonly bytes: number;
  /** Grows with each. */
  readonly place: number;
  /** Its contents and nodes are in the store, or it has none. */
  isLanded: boolean;
}

const batchMax = 1000;
const batchBytesMax = 8 * 1024 * 1024;
const backoffMaxMs = 1000;
/** Within so long of the last batch more is coming, and is gathered: most runs are through by then, and bring it themselves. */
const busyMs = 250;
const busyLagMs = 80;

function entryBytes({ event, contents }: JournalEntry): number {
  let bytes = 512 + (event.payload?.length ?? 0);
  for (const content of contents) bytes += content.bytes.length + 128;
  return bytes;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** An empty queue. */
export function createImportQueue(options: ImportQueueOptions): ImportQueue {
  const { store, projectId, clock, lagMs = 15, settleMs = 10_000 } = options;
  /** In order. Those under way are the first of them, and stay until they are in the store. */
  const queued: Queued[] = [];
  let bytes = 0;
  let pushed = 0;
  let underWay = 0;
  let lastBatchMs = -Infinity;
  let waiters: Waiter[] = [];
  /** What was taken and may not be in the store yet: later entries may name its contents. */
  const leaving = new Set<Promise<void>>();
  /** Whoever takes meanwhile waits: else ends that overlap would keep what waits from ever being brought. */
  let boarding: Promise<void> | null = null;
  let flight: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isClosing = false;
  let trouble: unknown = null;
  let landed: () => void = () => undefined;
  /** Resolves when the batch under way is through, or was given up for now. */
  let landing: Promise<void> = Promise.resolve();

  const enqueue = (entry: JournalEntry, size: number): void => {
    const isLanded = entry.contents.length + entry.nodes.length === 0;
    queued.push({ entry, bytes: size, place: (pushed += 1), isLanded });
    bytes += size;
  };

  const tell = (): void => {
    const lowest = queued[0]?.place ?? Infinity;
    const done = waiters.filter(({ upTo }) => upTo < lowest);
    waiters = waiters.filter(({ upTo }) => upTo >= lowest);
    for (const { resolve, timer: late } of done) {
      clearTimeout(late);
      resolve();
    }
  };

  const giveUp = (waiter: Waiter, reject: (error: unknown) => void): void => {
    waiters = waiters.filter((each) => each !== waiter);
    const message = `What was recorded could not be brought into the store within ${settleMs} ms, so nothing may go on from it.`;
    reject(new TachographError('E-RUN-007', message, trouble === null ? {} : { cause: trouble }));
  };

  const nextBatch = (): Queued[] => {
    let size = 0;
    let count = 0;
    while (count < queued.length && count < batchMax && size < batchBytesMax) size += queued[count++]!.bytes;
    return queued.slice(0, count);
  };

  /** The next batch, under way; nobody takes anything between the last that left and this. */
  const board = async (): Promise<Queued[]> => {
    let isBoarded: () => void = () => undefined;
    boarding = new Promise((resolve) => void (isBoarded = resolve));
    if (leaving.size > 0) await Promise.all(leaving);
    const batch = nextBatch();
    underWay = batch.length;
    landing = new Promise((resolve) => void (landed = resolve));
    boarding = null;
    isBoarded();
    return batch;
  };

  const bring = async (): Promise<void> => {
    let backoffMs = 25;
    while (queued.length > 0) {
      const batch = await board();
      if (batch.length === 0) return;
      lastBatchMs = clock.monotonicMs();
      try {
        await store.importBatch({ projectId, entries: batch.map(({ entry }) => entry), position: null });
      } catch (error) {
        options.onError(error);
        trouble = error;
        underWay = 0;
        landed();
        if (isClosing && waiters.length === 0) return;
        await wait(backoffMs);
        backoffMs = Math.min(backoffMaxMs, backoffMs * 2);
        continue;
      }
      backoffMs = 25;
      trouble = null;
      underWay = 0;
      queued.splice(0, batch.length);
      for (const each of batch) bytes -= each.bytes;
      landed();
      tell();
      // What nobody waits for is gathered anew.
      if (waiters.length === 0 && queued.length < batchMax) return;
    }
  };

  const start = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    flight ??= bring().finally(() => {
      flight = null;
      if (waiters.length > 0) start();
      else if (queued.length > 0 && !isClosing) plan();
    });
  };

  const plan = (): void => {
    if (flight !== null || timer !== null) return;
    const isBusy = clock.monotonicMs() - lastBatchMs < busyMs;
    timer = setTimeout(start, isBusy ? Math.max(lagMs, busyLagMs) : lagMs).unref();
  };

  const settle = (): Promise<void> => {
    if (queued.length === 0) return Promise.resolve();
    start();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { upTo: pushed, resolve, timer: setTimeout(() => giveUp(waiter, reject), settleMs) };
      waiters.push(waiter);
    });
  };

  return {
    get size() {
      return queued.length;
    },
    push(entry) {
      const size = entryBytes(entry);
      if (bytes + size > options.backlogBytesMax) return false;
      enqueue(entry, size);
      plan();
      return true;
    },
    settle,
    async take(runIds) {
      const isTheirs = ({ entry }: Queued): boolean => runIds.has(entry.event.header.runId);
      while (boarding !== null) await boarding;
      while (queued.slice(0, underWay).some(isTheirs)) await landing;
      const entriesByRun = new Map<string, JournalEntry[]>();
      const rest = queued.splice(underWay);
      for (const each of rest) {
        const { runId } = each.entry.event.header;
        if (!isTheirs(each)) queued.push(each);
        else {
          entriesByRun.set(runId, [...(entriesByRun.get(runId) ?? []), each.entry]);
          bytes -= each.bytes;
        }
      }
      tell();
      let others: readonly Queued[] = [];
      let isThrough: () => void = () => undefined;
      const leave = new Promise<void>((resolve) => void (isThrough = resolve));
      leaving.add(leave);
      return {
        entriesByRun,
        others() {
          others = queued.filter(({ isLanded }) => !isLanded);
          return others.map(({ entry: { epoch, contents, nodes } }) => ({ epoch, contents, nodes }));
        },
        done(isLanded) {
          if (!leaving.delete(leave)) return;
          if (isLanded) for (const each of others) each.isLanded = true;
          isThrough();
        },
      };
    },
    putBack(entries) {
      for (const entry of entries) enqueue(entry, entryBytes(entry));
      plan();
    },
    async close() {
      const settled = settle();
      isClosing = true;
      await settled.catch(options.onError);
    },
  };
}
