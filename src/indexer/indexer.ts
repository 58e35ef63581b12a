import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import type { Subject } from '../core/life/subject.ts';
import { createIdSource } from '../core/id.ts';
import { defaultLimits } from '../core/limits.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { SealHeads } from '../core/record/seal.ts';
import type { ErasureResult, Store } from '../core/store.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import type { Archive } from './archive.ts';
import type { ErasureProgress, EraserParts, Scope, SubjectErasure } from './eraser.ts';
import { createFollower, eraseLate, eraseRun, eraseRuns, eraseSubject, forgetWritten } from './eraser.ts';
import type { News, Problem } from './importer.ts';
import { createImporter } from './importer.ts';
import type { Lock } from './lock.ts';
import { createOwnEvents } from './own-events.ts';
import { createSealer } from './sealer.ts';
import type { LeavingRun } from './subject.ts';
import { createSweeper } from './sweeper.ts';

/** What an indexer is handed. */
export interface IndexerOptions {
  readonly store: Store;
  readonly archive: Archive;
  readonly lock: Lock;
  readonly redactor: Redactor;
  readonly signerOf: (projectId: string) => SealSigner;
  readonly sealHeads: SealHeads;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** A recorder that cannot be seen is given up after so long without a sign of life; 5 minutes unless said. */
  readonly staleMs?: number;
  /** Other homes import into the same store: what they record is theirs to end. */
  readonly isShared?: boolean;
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
  /** Erases runs, all of one project, that have ended, or parts of them. */
  eraseRuns(runs: readonly LeavingRun[], scope: Scope): Promise<ErasureResult>;
  /** Every live recorder has forgotten what it wrote, and all of that is imported, when this resolves. */
  forgetWritten(): Promise<void>;
  /** Erases what a caller, a session, or a session after a message said, as far as the runs have ended. */
  eraseSubject(projectId: string, subject: Subject, onProgress?: ErasureProgress): Promise<SubjectErasure>;
  close(): Promise<void>;
}

const pollMs = 50;
/*
 * A round costs much the same for three events or three hundred. While somebody writes all the time it rests twice as long as
 * it took, a tenth of a second at most, and watches nothing meanwhile: each write would wake it.
 */
const rest = { share: 2, msMax: 100 };
const housekeepingMs = 1000;
/** After a failed round the next one waits, each time twice as long. */
const failedMs = { first: 1000, max: 30_000 };
/** Runs whose seal is waited for, as made by another process. */
const waitingMax = 100_000;

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
  const onProblem = options.onProblem ?? ((): void => undefined);
  const sealer = createSealer({
    store,
    clock,
    signerOf: options.signerOf,
    heads: options.sealHeads,
    onProblem,
    eraseLate: (run) => eraseLate({ ...eraserParts, onProblem }, run),
  });
  const importer = createImporter({
    store,
    archive,
    clock,
    onNews,
    onProblem,
  });
  const own = createOwnEvents({
    store,
    clock,
    ids,
    redactor,
    onImported(projectId, result) {
      for (const { runId, lastSeq } of result.changedRuns) onNews({ projectId, runId, lastSeq });
    },
  });
  const sweeper = createSweeper({
    store,
    archive,
    clock,
    own,
    staleMs: options.staleMs ?? defaultLimits.staleMs,
    isShared: options.isShared ?? false,
  });

  // Of a store of this home alone no other home erases anything.
  const follower = options.isShared === true ? createFollower({ store, archive, clock }) : null;

  let isClosed = false;
  let wake = (): void => undefined;
  let unwatch: (() => void) | null = null;
  let running: Promise<void> | null = null;
  let tail: Promise<unknown> = Promise.resolve();
  let sweptAtMs = Number.NEGATIVE_INFINITY;

  /** One piece of work at a time, in order. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = tail.then(work, work);
    tail = next.catch(() => undefined);
    return next;
  };

  const round = async (isThorough: boolean): Promise<void> => {
    const isSweeping = isThorough || clock.monotonicMs() - sweptAtMs > housekeepingMs;
    const states = isSweeping ? sweeper.observe() : null;
    const files = await importer.importAll({ isThorough });
    // What was imported is sealed even when sweeping fails, and the first failure is still told.
    const failures: unknown[] = [];
    if (states !== null) {
      sweptAtMs = clock.monotonicMs();
      await sweeper.sweep(files, states).catch((error: unknown) => void failures.push(error));
    }
    const sealing = isThorough ? sealer.sealAll() : sealer.sealSome();
    await sealing.catch((error: unknown) => void failures.push(error));
    if (isSweeping && !isThorough) await follower?.follow().catch((error: unknown) => options.onError?.(error));
    if (failures.length > 0) throw failures[0];
  };

  /** Waits so long, or until it is woken. */
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const stopWatching = (): void => {
    unwatch?.();
    unwatch = null;
  };
  const pauseAfter = async (roundMs: number): Promise<void> => {
    await pause(Math.min(rest.msMax, rest.share * roundMs));
    if (isClosed) return;
    unwatch ??= archive.watch(() => {
      stopWatching();
      wake();
    });
    await pause(pollMs);
  };

  const loop = async (): Promise<void> => {
    let failedInRow = 0;
    while (!isClosed) {
      let waitMs: number | null = null;
      const sinceMs = clock.monotonicMs();
      try {
        if (lock.acquire()) await inTurn(() => round(false));
        else waitMs = housekeepingMs;
        failedInRow = 0;
      } catch (error) {
        options.onError?.(error);
        waitMs = Math.min(failedMs.max, failedMs.first * 2 ** failedInRow);
        failedInRow += 1;
      }
      if (isClosed) return;
      await (waitMs === null ? pauseAfter(clock.monotonicMs() - sinceMs) : pause(waitMs));
    }
  };

  const listWaiting = async (): Promise<Set<string>> =>
    new Set((await store.listSealDue(waitingMax)).map(({ projectId, runId }) => `${projectId}/${runId}`));

  /** Waits for the process that holds the lock to import what stands in the journals now, and to seal what has ended. */
  const waitForOther = async (deadlineMs: number): Promise<boolean> => {
    const goals = archive.list().files;
    let unsealed: Set<string> | null = null;
    for (;;) {
      const done = new Map((await store.journalPositions()).map(({ file, bytes }) => [file, bytes]));
      const present = new Set(archive.list().files.map(({ name }) => name));
      const isImported = goals.every(({ name, bytes }) => !present.has(name) || (done.get(name) ?? 0) >= bytes);
      if (isImported && unsealed === null) unsealed = await listWaiting();
      if (unsealed !== null && unsealed.size > 0) {
        const still = await listWaiting();
        unsealed = new Set([...unsealed].filter((key) => still.has(key)));
      }
      if (unsealed?.size === 0) return true;
      if (clock.monotonicMs() > deadlineMs) return false;
      if (lock.acquire()) {
        await inTurn(() => round(true));
        return true;
      }
      await sleep(20);
    }
  };

  const eraserParts: EraserParts = {
    store,
    archive,
    own,
    clock,
    importAll: async () => void (await importer.importAll({ isThorough: true })),
    sealer,
    sleep: (ms) => sleep(ms),
    onErased: (run) => follower?.note(run),
  };

  return {
    start() {
      running ??= loop();
    },
    async catchUp(timeoutMs = 5000) {
      if (!lock.acquire()) return waitForOther(clock.monotonicMs() + timeoutMs);
      await inTurn(() => round(true));
      return true;
    },
    eraseRun: (projectId, runId) => inTurn(() => eraseRun(eraserParts, { projectId, runId })),
    eraseRuns: (runs, scope) => inTurn(() => eraseRuns(eraserParts, runs, scope)),
    forgetWritten: () => inTurn(async () => forgetWritten(eraserParts, await store.listProjects())),
    eraseSubject: (projectId, subject, onProgress = () => undefined) =>
      inTurn(() => eraseSubject(eraserParts, { projectId, subject, onProgress })),
    async close() {
      isClosed = true;
      wake();
      stopWatching();
      await running;
      await tail;
      lock.release();
    },
  };
}
