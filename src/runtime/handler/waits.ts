import { TachographError } from '../../core/error.ts';
import { runCodes } from '../../core/work/transition.ts';
import type { Lease } from './lease.ts';

/** What a run waits for while no worker has it. */
export interface Wait {
  /** The store's time; `null`: for as long as it takes. */
  readonly untilMs: number | null;
  readonly signal: string | null;
}

/** Gives a run back when its handler waits. What is under way beside the waiting is finished and remembered first. */
export interface Waits {
  /** Something that must be finished before the run is given back. */
  busy<T>(work: () => Promise<T>): Promise<T>;
  /** Gives the run back. Rejects when that is done: the handler does not go on under this lease. */
  until(wait: Wait): Promise<never>;
}

/** Where more than one signal is waited for, the others are looked for so often. */
const lookMs = 15_000;

/** Several waits at once: woken by the first of them. `nowMs` is the store's. */
export function mergeWaits(waits: readonly Wait[], nowMs: number): Wait {
  const signals = [...new Set(waits.map(({ signal }) => signal).filter((signal) => signal !== null))];
  const times = waits.map(({ untilMs }) => untilMs).filter((untilMs) => untilMs !== null);
  if (signals.length > 1) times.push(nowMs + lookMs);
  return { untilMs: times.length === 0 ? null : Math.min(...times), signal: signals[0] ?? null };
}

/** The waits of one lease. `onWait` is told once. */
export function createWaits(parts: {
  readonly runId: string;
  readonly lease: Lease;
  readonly onWait: (waits: readonly Wait[]) => void;
}): Waits {
  const waiting: Wait[] = [];
  let busy = 0;
  let isTold = false;

  const settle = (): void => {
    if (busy > 0 || waiting.length === 0 || isTold || parts.lease.reason !== null) return;
    isTold = true;
    parts.onWait(waiting);
    parts.lease.end(
      new TachographError(
        runCodes.leaseLost,
        `Run ${parts.runId} waits and was given back: it goes on when it is woken.`,
      ),
    );
  };

  // What was finished just now may begin the next thing in the same turn.
  const later = (): void => void setImmediate(settle);

  return {
    async busy(work) {
      busy += 1;
      try {
        return await work();
      } finally {
        busy -= 1;
        later();
      }
    },
    until(wait) {
      waiting.push(wait);
      later();
      return new Promise<never>((_resolve, reject) => {
        const { signal } = parts.lease;
        if (signal.aborted) reject(signal.reason as Error);
        else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    },
  };
}
