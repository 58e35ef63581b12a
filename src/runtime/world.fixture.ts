import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it as plainIt } from 'vitest';
import { majors, onPostgres } from '../../test/postgres/cluster.ts';
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { createIdSource } from '../core/id.ts';
import { createMemoryJournal } from '../core/memory-journal.ts';
import { createRedactor } from '../core/redact/create.ts';
import type { Store } from '../core/store.ts';
import { createScribe } from '../core/work/scribe.ts';
import { createWorkSecrets } from '../core/work/secrets.ts';
import type { WorkStore } from '../core/work/work.ts';
import { createMemoryStore } from '../stores/memory/index.ts';
import { createPostgresStore } from '../stores/postgres/index.ts';
import { openSqliteStore } from '../stores/sqlite/index.ts';
import type { RuntimeParts } from './parts.ts';
import type { LeasedRecorder } from './recording/leased-recorder.ts';
import { createLeasedRecorder } from './recording/leased-recorder.ts';
import type { Runs } from './runs/runs.ts';
import { createRuns } from './runs/runs.ts';
import type { WorkerOptions } from './worker/options.ts';
import type { Worker } from './worker/worker.ts';
import { createWorker } from './worker/worker.ts';

const key = Buffer.alloc(32, 7);

/** Everything that runs as work need, over one store. */
export interface World {
  readonly store: Store;
  readonly work: WorkStore;
  readonly parts: RuntimeParts;
  readonly runs: Runs;
  readonly errors: unknown[];
  /** Parts of another process: other recorders, the same store and keys. */
  another(): RuntimeParts;
  /** A worker that is stopped with the world. */
  worker(options: Partial<WorkerOptions> & Pick<WorkerOptions, 'agents'>, parts?: RuntimeParts): Worker;
  close(): Promise<void>;
}

/** A clock that a test moves; both of its hands move together. */
export interface HandClock extends Clock {
  advance(ms: number): void;
}

/** A clock that stands at a time and goes on only by hand. */
export function createHandClock(atMs = Date.UTC(2026, 10, 21)): HandClock {
  let passedMs = 0;
  return {
    nowMs: () => atMs + passedMs,
    monotonicMs: () => 1000 + passedMs,
    advance: (ms) => void (passedMs += ms),
  };
}

/** Opens a fresh store, not initialized. */
export type OpenStore = () => Promise<Store> | Store;

/** What a suite is handed for each kind of store. */
export interface StoreSuite {
  readonly open: OpenStore;
  readonly it: typeof plainIt;
}

/** Runs a suite on every kind of store. */
export function onStores(name: string, suite: (on: StoreSuite) => void): void {
  describe(`${name}, memory`, () => suite({ open: () => createMemoryStore(), it: plainIt }));
  describe(`${name}, SQLite`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'tachograph-runtime-'));
    let files = 0;
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    suite({ open: () => openSqliteStore({ file: join(folder, `${(files += 1)}.db`) }), it: plainIt });
  });
  describe(`${name}, PostgreSQL`, () => {
    const { cluster, it } = onPostgres(majors[0]!);
    const open = async (): Promise<Store> => {
      const { url } = await cluster().lendDatabase();
      return createPostgresStore({ url, poolMax: 4 });
    };
    suite({ open, it: it as typeof plainIt });
  });
}

/** Parts of a process that can be made to die: from then on nothing that it does reaches the store. */
export function createMortal(parts: RuntimeParts): { readonly parts: RuntimeParts; die(): void } {
  let isDead = false;
  const gone = <T extends object>(whole: T): T =>
    new Proxy(whole, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) =>
          isDead ? Promise.reject(new Error('the process is dead')) : Reflect.apply(value, target, given);
      },
    });
  const { recorderOf } = parts;
  const mute = (projectId: string): LeasedRecorder => {
    const recorder = recorderOf(projectId);
    return {
      ...recorder,
      take: async () => ({ entriesByRun: new Map(), others: () => [], done: () => undefined }),
      settle: () => (isDead ? Promise.reject(new Error('the process is dead')) : recorder.settle()),
    };
  };
  return {
    parts: { ...parts, work: gone(parts.work), store: gone(parts.store), recorderOf: mute },
    die: () => void (isDead = true),
  };
}

/** A world over a memory store, or one that is opened for it. */
export async function openWorld(
  options: { readonly open?: OpenStore; readonly clock?: Clock; readonly random?: () => number } = {},
): Promise<World> {
  const clock = options.clock ?? systemClock;
  const store = await (options.open?.() ?? createMemoryStore({ clock }));
  await store.initialize();
  const work = store.work!;
  const errors: unknown[] = [];
  const workers: Worker[] = [];
  const recorders: LeasedRecorder[] = [];
  const onError = (error: unknown): void => void errors.push(error);

  const toParts = (): RuntimeParts => {
    const ids = createIdSource();
    const redactor = createRedactor({ key });
    const recorderByProject = new Map<string, LeasedRecorder>();
    const recorderOf = (projectId: string): LeasedRecorder => {
      const known = recorderByProject.get(projectId);
      if (known !== undefined) return known;
      const journal = createMemoryJournal();
      const recorder = createLeasedRecorder({ journal, store, projectId, contentKey: key, redactor, onError });
      recorderByProject.set(projectId, recorder);
      recorders.push(recorder);
      return recorder;
    };
    const secrets = createWorkSecrets(key);
    const scribe = createScribe({ clock, ids, redactor, contentKey: key });
    return {
      ...{ store, work, clock, ids, recorderOf, onError },
      secretsOf: () => secrets,
      scribeOf: () => scribe,
      random: options.random ?? (() => 0),
    };
  };

  const parts = toParts();
  return {
    ...{ store, work, parts, errors },
    runs: createRuns(parts),
    another: toParts,
    worker(given, of = parts) {
      const worker = createWorker(of, { projectIds: ['default'], pollMs: 20, reapMs: 50, scheduleMs: null, ...given });
      workers.push(worker);
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop({ graceMs: 0 })));
      await Promise.all(recorders.map((recorder) => recorder.close()));
      await store.close();
    },
  };
}

/** Waits until something is so, at most `ms`; then it says what was not. */
export async function until(isSo: () => Promise<boolean> | boolean, ms = 5000): Promise<void> {
  const untilMs = performance.now() + ms;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`not so after ${ms} ms: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
