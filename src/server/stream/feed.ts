import { TachographError, isTachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StoreReader } from '../../core/store.ts';

/** What an indexer tells when a run has grown. */
export interface RunNews {
  readonly projectId: string;
  readonly runId: string;
  readonly lastSeq: number;
}

/** Where news of runs come from when the indexer lives in this process. */
export interface News {
  /** Returns the way to stop listening. */
  subscribe(listener: (change: RunNews) => void): () => void;
  /** Calls when some other process has changed something; left out where that is never heard. Returns the way to stop. */
  stirred?(listener: () => void): () => void;
}

/** One entry of the feed's log: the run changed, nothing more. */
export interface FeedEntry {
  /** From 1, gapless. */
  readonly number: number;
  readonly runId: string;
}

/** Tells readers that runs have changed, whoever changed them. */
export interface Feed {
  /** Names this feed: positions of another feed mean nothing here. */
  readonly id: string;
  /** Number of the newest entry. */
  position(): number;
  /** Entries after a position, or `null` when some of them are no longer kept. */
  after(position: number): readonly FeedEntry[] | null;
  /** Calls `wake` after every change of any run that commits once this has resolved. */
  watchAll(wake: () => void): Promise<() => void>;
  /** Calls `wake` after every change of this run that commits once this was called, and at times without one. */
  watchRun(runId: string, wake: () => void): () => void;
  close(): void;
}

/** What a feed is made of. */
export interface FeedOptions {
  readonly id: string;
  readonly store: StoreReader;
  readonly projectId: string;
  /** `null` when nobody in this process imports; the store is then asked more often. */
  readonly news: News | null;
  readonly pollMs: number;
  readonly onError: (error: unknown) => void;
}

const logMax = 2000;
const lookedAtMax = 200;

interface Known {
  readonly lastSeq: number;
  /** `null` when only the news told of the run. */
  readonly stamp: string | null;
}

/** Differs whenever a reader would see another run. */
export function runToStamp(run: RunView): string {
  return `${run.lastSeq} ${run.updatedAtMs} ${run.status} ${run.erased}`;
}

/**
 * A feed over a store.
 *
 *   news of the indexer in this process ──┐
 *                                         ├─► log of changed runs ─► wake readers, who read the store themselves
 *   change count of the store, polled ────┘   and at once when the news say that somebody wrote
 *
 * Polling catches what another process imported: when the count has grown, the newest runs, the open ones and those
 * watched are compared with what is known of them. It rests while nobody watches.
 */
export function createFeed(options: FeedOptions): Feed {
  const { store, projectId } = options;
  const log: FeedEntry[] = [];
  let lastNumber = 0;
  /** Entries up to this number are no longer kept. */
  let forgotten = 0;
  let knownByRun = new Map<string, Known>();
  const wakesByRun = new Map<string, Set<() => void>>();
  const wakesOfAll = new Set<() => void>();
  let lastCount: number | null = null;
  let timer: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let isClosed = false;
  let isStirred = false;

  const record = (runId: string): void => {
    lastNumber += 1;
    log.push({ number: lastNumber, runId });
    if (log.length > logMax) forgotten = log.shift()!.number;
    for (const wake of wakesByRun.get(runId) ?? []) wake();
    for (const wake of wakesOfAll) wake();
  };

  const forgetLog = (): void => {
    log.length = 0;
    lastNumber += 1;
    forgotten = lastNumber;
    for (const wake of wakesOfAll) wake();
  };

  const getWatched = async (runId: string): Promise<RunView | null> => {
    try {
      return await store.getRun(projectId, runId);
    } catch (error) {
      if (isTachographError(error) && error.code === 'run-not-found') return null;
      throw error;
    }
  };

  /** The runs that may have changed, as they are now, and the watched ones that are no more. */
  const lookAtRuns = async (): Promise<{ runs: readonly RunView[]; gone: readonly string[]; isFull: boolean }> => {
    const page = { limit: lookedAtMax };
    const newest = (await store.listRuns(projectId, { includeDryRun: true }, page)).items;
    const open = (
      await store.listRuns(
        projectId,
        { includeDryRun: true, status: ['pending', 'running', 'waiting_tool', 'waiting_approval'] },
        page,
      )
    ).items;
    const runById = new Map([...open, ...newest].map((run) => [run.id, run]));
    const gone: string[] = [];
    for (const runId of wakesByRun.keys()) {
      if (runById.has(runId)) continue;
      const run = await getWatched(runId);
      if (run === null) gone.push(runId);
      else runById.set(runId, run);
    }
    return { runs: [...runById.values()].reverse(), gone, isFull: newest.length === lookedAtMax };
  };

  const look = async (): Promise<void> => {
    const count = await store.changeCount();
    if (count === lastCount && [...wakesByRun.keys()].every((runId) => knownByRun.has(runId))) return;
    const isFirst = lastCount === null;
    const { runs, gone, isFull } = await lookAtRuns();
    const before = knownByRun;
    const changed = runs.filter((run) => isChanged(before.get(run.id), run));
    // All of a full page is new: there may be more than was looked at.
    if (!isFirst && isFull && changed.length >= lookedAtMax) forgetLog();
    knownByRun = new Map(runs.map((run) => [run.id, { lastSeq: run.lastSeq, stamp: runToStamp(run) }]));
    lastCount = count;
    for (const run of changed) if (!isFirst || wakesByRun.has(run.id)) record(run.id);
    for (const runId of gone) record(runId);
  };

  const lookOnce = (): Promise<void> => {
    looking ??= look()
      .catch(options.onError)
      .finally(() => {
        looking = null;
        // What came while the store was read may not have been in it.
        if (isStirred && !isClosed) void lookAgain();
      });
    return looking;
  };

  const lookAgain = (): Promise<void> => {
    isStirred = looking !== null;
    return lookOnce();
  };

  const isWatched = (): boolean => wakesOfAll.size > 0 || wakesByRun.size > 0;

  const schedule = (): void => {
    if (timer !== null || isClosed || !isWatched()) return;
    timer = setTimeout(() => {
      void lookOnce().then(() => {
        timer = null;
        schedule();
      });
    }, options.pollMs);
    timer.unref();
  };

  const stopNews = options.news?.subscribe(({ projectId: ofProject, runId, lastSeq }) => {
    // Not even the number of another project's changes is told (I10).
    if (ofProject !== projectId) return;
    const known = knownByRun.get(runId);
    if (known !== undefined && known.lastSeq >= lastSeq) return;
    knownByRun.set(runId, { lastSeq, stamp: null });
    record(runId);
  });

  const stopStirs = options.news?.stirred?.(() => {
    if (!isClosed && isWatched()) void lookAgain();
  });

  return {
    id: options.id,
    position: () => lastNumber,
    after: (position) => (position < forgotten || position > lastNumber ? null : log.slice(position - forgotten)),
    async watchAll(wake) {
      if (isClosed) throw new TachographError('store-closed', 'The server is closing and starts no further stream.');
      wakesOfAll.add(wake);
      // A look that was under way may have read the store before this call.
      await looking;
      await lookOnce();
      schedule();
      return () => void wakesOfAll.delete(wake);
    },
    watchRun(runId, wake) {
      const wakes = wakesByRun.get(runId) ?? new Set();
      wakes.add(wake);
      wakesByRun.set(runId, wakes);
      knownByRun.delete(runId);
      schedule();
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0) wakesByRun.delete(runId);
      };
    },
    close() {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      stopNews?.();
      stopStirs?.();
    },
  };
}

function isChanged(known: Known | undefined, run: RunView): boolean {
  if (known === undefined) return true;
  if (known.stamp === null) return known.lastSeq !== run.lastSeq;
  return known.stamp !== runToStamp(run);
}
