/** A wall clock that is wrong, and that steps. */
export interface ClockShift {
  readonly offsetMs: number;
  /** It steps to and fro by so much, every `everyMs`. */
  readonly stepMs?: number;
  readonly everyMs?: number;
}

/** Makes the wall clock of this process wrong, as if the machine's were. The monotonic clock goes on as before. */
export function shiftClock({ offsetMs, stepMs = 0, everyMs = 100 }: ClockShift): void {
  const realNow = Date.now.bind(Date);
  let steppedMs = 0;
  Date.now = () => realNow() + offsetMs + steppedMs;
  if (stepMs === 0) return;
  const timer = setInterval(() => {
    steppedMs = steppedMs > 0 ? -stepMs : stepMs;
  }, everyMs);
  timer.unref();
}
