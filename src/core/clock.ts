/** Where time comes from. Passed in everywhere, so that tests own it. */
export interface Clock {
  /** Wall clock, whole milliseconds since the Unix epoch, UTC. May step. */
  nowMs(): number;
  /** Monotonic clock, milliseconds with a fraction, from an arbitrary zero. Durations come from here only. */
  monotonicMs(): number;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Milliseconds between two readings of the monotonic clock, never negative, rounded to microseconds. */
export function elapsedMs(clock: Clock, sinceMs: number): number {
  return Math.max(0, Math.round((clock.monotonicMs() - sinceMs) * 1000) / 1000);
}
