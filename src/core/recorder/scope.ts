import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { RunRecorder, StepRecorder } from '../record/recording.ts';

/** What is under way around a piece of code. Never mutable: entering makes a new one. */
export interface ScopeState {
  readonly run: RunRecorder | null;
  readonly step: StepRecorder | null;
  /** Steps shared by retries, by run id; `null` outside `reuseStep`. */
  readonly reuse: Map<string, StepRecorder> | null;
}

const empty: ScopeState = { run: null, step: null, reuse: null };

/** The async scope of one recorder. */
export interface Scope {
  state(): ScopeState;
  enter<T>(change: Partial<ScopeState>, fn: () => T): T;
  /** Changes what follows in the current async context; the caller's own context stays as it is. */
  enterHere(change: Partial<ScopeState>): void;
  bind<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R;
}

/** A scope carried by AsyncLocalStorage. */
export function createScope(): Scope {
  const storage = new AsyncLocalStorage<ScopeState>();
  return {
    state: () => storage.getStore() ?? empty,
    enter: (change, fn) => storage.run({ ...(storage.getStore() ?? empty), ...change }, fn),
    enterHere: (change) => storage.enterWith({ ...(storage.getStore() ?? empty), ...change }),
    bind: (fn) => AsyncResource.bind(fn) as typeof fn,
  };
}
