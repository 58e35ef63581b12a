import type { Clock } from '../../../core/clock.ts';
import type { StepRecorder } from '../../../core/record/recording.ts';

/** What makes two requests tries of one call: the client's own object for the call, or the words of the request. */
export type CallKey = object | string;

/**
 * Steps whose last attempt failed so that another try may follow. Tries that their client counts follow only upon the
 * try before; tries that nobody counts follow in the order in which they failed. Bounded in number and time.
 */
export interface RetryMemory {
  /** `tryCount`: from 0 as the client counts, or `null` when it does not. */
  keep(key: CallKey, step: StepRecorder, tryCount: number | null): void;
  /** The step that this request tries again, which is then no longer waiting; `null` when it is a new call. */
  take(key: CallKey, tryCount: number | null): StepRecorder | null;
  /** The step came to an end that is not tried again. */
  drop(key: CallKey, step: StepRecorder): void;
  readonly isEmpty: boolean;
}

interface Waiting {
  readonly step: StepRecorder;
  readonly tryCount: number | null;
  readonly sinceMs: number;
}

const callsMax = 512;
const waitingPerCallMax = 64;
/** Providers ask for waits of up to minutes; the same words after that are a new call. */
const waitMsMax = 10 * 60_000;

/** An empty memory. */
export function createRetryMemory(clock: Clock): RetryMemory {
  const waitingByText = new Map<string, Waiting[]>();
  const waitingByCall = new WeakMap<object, Waiting[]>();

  const listOf = (key: CallKey): Waiting[] =>
    (typeof key === 'string' ? waitingByText.get(key) : waitingByCall.get(key)) ?? [];

  const put = (key: CallKey, list: Waiting[]): void => {
    if (typeof key !== 'string') return void waitingByCall.set(key, list);
    waitingByText.delete(key);
    if (list.length === 0) return;
    if (waitingByText.size >= callsMax) waitingByText.delete(waitingByText.keys().next().value!);
    waitingByText.set(key, list);
  };

  const isAlive = ({ step, sinceMs }: Waiting): boolean =>
    clock.monotonicMs() - sinceMs <= waitMsMax && !step.run.closed && step.status !== 'completed';

  return {
    keep(key, step, tryCount) {
      const others = listOf(key).filter((waiting) => waiting.step !== step && isAlive(waiting));
      put(key, [...others, { step, tryCount, sinceMs: clock.monotonicMs() }].slice(-waitingPerCallMax));
    },
    take(key, tryCount) {
      const before = tryCount === null ? null : tryCount - 1;
      const list = listOf(key);
      const found = list.find((waiting) => waiting.tryCount === before && isAlive(waiting));
      if (found === undefined) return null;
      put(
        key,
        list.filter((waiting) => waiting !== found),
      );
      return found.step;
    },
    drop(key, step) {
      const list = listOf(key);
      if (list.some((waiting) => waiting.step === step))
        put(
          key,
          list.filter((waiting) => waiting.step !== step),
        );
    },
    get isEmpty() {
      return waitingByText.size === 0;
    },
  };
}
