/** Calls `fn` once after `delayMs` without keeping the process alive; returns what cancels it. */
export type Schedule = (fn: () => void, delayMs: number) => () => void;

/** The machine's timers. */
export const systemSchedule: Schedule = (fn, delayMs) => {
  const timer = setTimeout(fn, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
