import type { Clock } from '../../core/clock.ts';
import type { StepRecorder } from '../../core/record/recording.ts';

/** Steps whose last attempt failed so that the same request may follow. Bounded in number and time. */
export interface RetryMemory {
  keep(key: string, step: StepRecorder): void;
  /** The step that this request tries again, which is then no longer waiting; `null` when it is a new one. */
  take(key: string): StepRecorder | null;
  /** The step came to an end that is not tried again. */
  drop(key: string, step: StepRecorder): void;
  readonly isEmpty: boolean;
}

const stepsMax = 512;
/** Providers ask for waits of up to minutes; the same words after that are a new call. */
const waitMsMax = 10 * 60_000;

/** An empty memory. */
export function createRetryMemory(clock: Clock): RetryMemory {
  const waitingByKey = new Map<string, { step: StepRecorder; sinceMs: number }>();
  return {
    keep(key, step) {
      waitingByKey.delete(key);
      if (waitingByKey.size >= stepsMax) waitingByKey.delete(waitingByKey.keys().next().value!);
      waitingByKey.set(key, { step, sinceMs: clock.monotonicMs() });
    },
    take(key) {
      const waiting = waitingByKey.get(key);
      if (waiting === undefined) return null;
      waitingByKey.delete(key);
      const isFresh = clock.monotonicMs() - waiting.sinceMs <= waitMsMax;
      return isFresh && !waiting.step.run.closed && waiting.step.status !== 'completed' ? waiting.step : null;
    },
    drop(key, step) {
      if (waitingByKey.get(key)?.step === step) waitingByKey.delete(key);
    },
    get isEmpty() {
      return waitingByKey.size === 0;
    },
  };
}
