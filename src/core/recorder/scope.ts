import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { RunRecorder, StepRecorder } from '../record/recording.ts';

/** What is under way around a piece of code. Never mutable: entering makes a new one. */
export interface ScopeState {
  readonly run: RunRecorder | null;
  readonly step: StepRecorder | null;
  /** Steps shared by retries, by run id; `null` outside `reuseStep`. */
  readonly reuse: Map<string, StepRecorder> | null;
}

const isCallable = (fn: unknown): boolean => typeof fn === 'function';

const empty: ScopeState = { run: null, step: null, reuse: null };

/** The async scope of one recorder. What is no function is not called: a caller's slip must not end the caller (I1). */
export interface Scope {
  state(): ScopeState;
  /** What `fn` throws is the caller's own and goes through unchanged. */
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
    enter: <T>(change: Partial<ScopeState>, fn: () => T): T =>
      isCallable(fn) ? storage.run({ ...(storage.getStore() ?? empty), ...change }, fn) : (undefined as T),
    enterHere: (change) => storage.enterWith({ ...(storage.getStore() ?? empty), ...change }),
    bind: (fn) => (isCallable(fn) ? (AsyncResource.bind(fn) as typeof fn) : fn),
  };
}
