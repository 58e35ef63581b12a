import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/clock.ts';
import type { Settings } from '../core/life/settings.ts';
import type { UpkeepState } from '../core/life/upkeep.ts';
import { freshUpkeep } from '../core/life/upkeep.ts';
import { isTachographError } from '../core/error.ts';
import type { Store } from '../core/store.ts';
import { toReason } from './failure.ts';
import type { Indexer } from './indexer.ts';
import type { RetentionClock } from './retention.ts';
import { dropForQuota, dropOld } from './retention.ts';
import { createSampler } from './sampler.ts';

/** What a keeper works with. */
export interface KeeperOptions {
  readonly store: Store;
  readonly indexer: Pick<Indexer, 'eraseRuns' | 'forgetWritten'>;
  readonly clock: Clock;
  /** May throw: then nothing is dropped, and the state says why. */
  readonly readSettings: () => Settings;
  /** Bytes that the home holds, free pages of the store not counted. */
  readonly readUsedBytes: () => number;
  /** True for a run that was imported after `beforeMs`: for what came from elsewhere, that is the clock. */
  readonly isKept?: RetentionClock;
  /** Deletes copies in quarantine that were made before. */
  readonly dropQuarantine: (projectId: string, beforeMs: number) => void;
  readonly onState: (state: UpkeepState) => void;
  readonly onError: (error: unknown) => void;
  /** Pause between two passes; a minute unless said. */
  readonly everyMs?: number;
}

/** Keeps a home small in the background: retention, sampling, quota. */
export interface Keeper {
  /** Goes on until closed. Returns at once. */
  start(): void;
  /** One pass now. Never throws: what failed is in the state. */
  pass(): Promise<UpkeepState>;
  state(): UpkeepState;
  close(): Promise<void>;
}

const restMs = 10;
const everyMsDefault = 60_000;

/** Our own messages name fields and files, never recorded words. */
const explain = (error: unknown): string => (isTachographError(error) ? error.message : toReason(error));

/** A keeper. A failure of one part leaves the others, and everything else, running; it is told and tried again. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { store, clock } = options;
  const stopping = new AbortController();
  let state = freshUpkeep;
  let running: Promise<void> | null = null;

  const parts = {
    store,
    clock,
    // Woken early by the end is as good as rested.
    rest: () => sleep(restMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined),
    isStopping: () => stopping.signal.aborted,
  };
  const sampler = createSampler({
    ...parts,
    isImported: ({ projectId, id }) => options.isKept?.(projectId, id, 0) === true,
    erase: async (runs) => void (await options.indexer.eraseRuns(runs, 'sampling')),
  });

  const change = (next: Partial<UpkeepState>): void => {
    state = { ...state, ...next };
    options.onState(state);
  };

  const works: readonly ((settings: Settings) => Promise<void>)[] = [
    (settings) =>
      dropOld(parts, {
        settings,
        isKept: options.isKept ?? ((): boolean => false),
        dropQuarantine: options.dropQuarantine,
        onDropped: (runs) => (runs > 0 ? change({ purgedRuns: state.purgedRuns + runs }) : undefined),
      }),
    async ({ sampling }) => {
      if (sampling === null) return;
      await sampler.pass(sampling, (runs) =>
        runs > 0 ? change({ sampledRuns: state.sampledRuns + runs }) : undefined,
      );
    },
    async ({ quotaBytes }) => {
      if (quotaBytes === null) return change({ quota: null });
      change({
        quota: await dropForQuota(parts, {
          limitBytes: quotaBytes,
          droppedRuns: state.quota?.droppedRuns ?? 0,
          readUsedBytes: options.readUsedBytes,
          forgetWritten: () => options.indexer.forgetWritten(),
        }),
      });
    },
  ];

  const pass = async (): Promise<UpkeepState> => {
    const failures: string[] = [];
    const note = (error: unknown): void => {
      failures.push(explain(error));
      options.onError(error);
    };
    let settings: Settings | null = null;
    try {
      settings = options.readSettings();
    } catch (error) {
      note(error);
    }
    for (const work of settings === null ? [] : works) {
      if (!stopping.signal.aborted) await work(settings!).catch(note);
    }
    try {
      change({ lastPassAtMs: clock.nowMs(), error: failures.length === 0 ? null : failures.join(' ') });
    } catch (error) {
      options.onError(error);
    }
    return state;
  };

  const loop = async (): Promise<void> => {
    const everyMs = options.everyMs ?? everyMsDefault;
    while (!stopping.signal.aborted) {
      await pass();
      await sleep(everyMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };

  return {
    start() {
      running ??= loop();
    },
    pass,
    state: () => state,
    async close() {
      stopping.abort();
      await running;
    },
  };
}
