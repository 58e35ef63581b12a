import type { Clock } from '../core/clock.ts';
import type { WorkStore } from '../core/work/work.ts';

/** The store's clock, as a process can tell it between two looks. Wall clocks of this machine play no part in it. */
export interface StoreTime {
  /** The store's time: asked for when it was last heard of too long ago, else carried on by the monotonic clock. */
  nowMs(): Promise<number>;
  /** The same without a look; asks once when it was never heard of. */
  heard(nowMs: number): void;
}

/** So long the monotonic clock is trusted to keep step with the store's. */
const trustMs = 5000;

/** The time of a store. */
export function createStoreTime(work: Pick<WorkStore, 'nowMs'>, clock: Clock): StoreTime {
  let last: { readonly storeMs: number; readonly atMs: number } | null = null;
  let asking: Promise<number> | null = null;
  const heard = (storeMs: number): void => void (last = { storeMs, atMs: clock.monotonicMs() });
  const ask = async (): Promise<number> => {
    try {
      const nowMs = await work.nowMs();
      heard(nowMs);
      return nowMs;
    } finally {
      asking = null;
    }
  };
  return {
    heard,
    async nowMs() {
      const sinceMs = last === null ? Infinity : clock.monotonicMs() - last.atMs;
      if (last !== null && sinceMs < trustMs) return Math.round(last.storeMs + sinceMs);
      return await (asking ??= ask());
    },
  };
}

const timeByWork = new WeakMap<object, StoreTime>();

/** The one time that everything in this process tells of a store. */
export function storeTimeOf(work: WorkStore, clock: Clock): StoreTime {
  const known = timeByWork.get(work);
  if (known !== undefined) return known;
  const time = createStoreTime(work, clock);
  timeByWork.set(work, time);
  return time;
}
