import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import { createIdSource } from '../core/id.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { ErasureResult, Store } from '../core/store.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import type { Archive } from './archive.ts';
import { eraseRun } from './eraser.ts';
import type { News, Problem } from './importer.ts';
import { createImporter } from './importer.ts';
import type { Lock } from './lock.ts';
import { createOwnEvents } from './own-events.ts';
import { createSealer } from './sealer.ts';
import { createSweeper } from './sweeper.ts';

/** What an indexer is handed. */
export interface IndexerOptions {
  readonly store: Store;
  readonly archive: Archive;
  readonly lock: Lock;
  readonly redactor: Redactor;
  readonly signerOf: (projectId: string) => SealSigner;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  readonly onNews?: (news: News) => void;
  readonly onProblem?: (problem: Problem) => void;
  /** Told when an import failed; the indexer goes on and tries again. */
  readonly onError?: (error: unknown) => void;
}

/** Moves journals into the store. One per home does the work; the others wait for it. */
export interface Indexer {
  /** Goes on until closed. Returns at once. */
  start(): void;
  /** Everything written before this call is in the store when it resolves, or `false` after `timeoutMs`. */
  catchUp(timeoutMs?: number): Promise<boolean>;
  /** Erases a run from store, index and journals. */
  eraseRun(projectId: string, runId: string): Promise<ErasureResult>;
  close(): Promise<void>;
}

const pollMs = 50;
const housekeepingMs = 1000;
const failedMs = 1000;

/**
 * The indexer of a home.
 *
 *   journals grow ─► import (events, contents, views, position: one transaction) ─► acknowledge ─► seal
 *   a process is gone ─► its journal is read to the end ─► open runs end `interrupted` ─► the file is removed
 */
export function createIndexer(options: IndexerOptions): Indexer {
  const { store, archive, lock, redactor } = options;
  const clock = options.clock ?? systemClock;
  const ids = options.ids ?? createIdSource(clock);
  const onNews = options.onNews ?? ((): void => undefined);
  const sealer = createSealer({ store, clock, signerOf: options.signerOf });
  const importer = createImporter({
    store,
    archive,
    onNews,
    onProblem: options.onProblem ?? ((): void => undefined),
    toSeal: sealer.add,
  });
  const own = createOwnEvents({
    store,
    clock,
    ids,
    redactor,
    onImported(projectId, result) {
      for (const { runId, lastSeq } of result.changedRuns) onNews({ projectId, runId, lastSeq });
      sealer.add(projectId, result.runsToSeal);
    },
  });
  const sweeper = createSweeper({ store, archive, clock, ids, own });

  let isClosed = false;
  let wake = (): void => undefined;
  let running: Promise<void> | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  const stopping = new AbortController();

  /** One piece of work at a time, in order. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = tail.then(work, work);
    tail = next.catch(() => undefined);
    return next;
  };

  const round = async (isThorough: boolean): Promise<void> => {
    const isSweeping = isThorough || clock.monotonicMs() - sweptAtMs > housekeepingMs;
    const states = isSweeping ? sweeper.observe() : null;
    const files = await importer.importAll();
    if (states !== null) {
      sweptAtMs = clock.monotonicMs();
      await sweeper.sweep(files, states);
    }
    await sealer.sealAll();
  };

  const pause = async (ms: number): Promise<void> => {
    const waking = new AbortController();
    wake = () => waking.abort();
    const signal = AbortSignal.any([waking.signal, stopping.signal]);
    // Woken early is as good as waited.
    await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
  };

  const loop = async (): Promise<void> => {
    while (!isClosed) {
      let waitMs = pollMs;
      try {
        if (lock.acquire()) await inTurn(() => round(false));
        else waitMs = housekeepingMs;
      } catch (error) {
        options.onError?.(error);
        waitMs = failedMs;
      }
      if (!isClosed) await pause(waitMs);
    }
  };

  /** Waits for the process that holds the lock to import what stands in the journals now. */
  const waitForOther = async (deadlineMs: number): Promise<boolean> => {
    const goals = archive.list().files;
    for (;;) {
      const done = new Map((await store.journalPositions()).map(({ file, bytes }) => [file, bytes]));
      const present = new Set(archive.list().files.map(({ name }) => name));
      if (goals.every(({ name, bytes }) => !present.has(name) || (done.get(name) ?? 0) >= bytes)) return true;
      if (clock.monotonicMs() > deadlineMs) return false;
      if (lock.acquire()) {
        await inTurn(() => round(true));
        return true;
      }
      await sleep(20);
    }
  };

  const unwatch = archive.watch(() => wake());

  return {
    start() {
      running ??= loop();
    },
    async catchUp(timeoutMs = 5000) {
      if (!lock.acquire()) return waitForOther(clock.monotonicMs() + timeoutMs);
      await inTurn(() => round(true));
      return true;
    },
    eraseRun: (projectId, runId) =>
      inTurn(() =>
        eraseRun(
          {
            store,
            archive,
            own,
            importAll: async () => void (await importer.importAll()),
            sealAll: () => sealer.sealAll(),
            sleep,
          },
          { projectId, runId },
        ),
      ),
    async close() {
      isClosed = true;
      stopping.abort();
      unwatch();
      await running;
      await tail;
      lock.release();
    },
  };
}
