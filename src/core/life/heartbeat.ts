/** Gives signs of life while there is a reason to. */
export interface Heartbeat {
  /** There is a reason from now on, as long as `isNeeded` says so when the next sign is due. Costs next to nothing. */
  start(): void;
  stop(): void;
}

/**
 * A heartbeat: every `everyMs` one call of `beat`, until nothing needs it. The timer keeps no process alive and starts
 * only when asked to, so that whoever records nothing has none (I1).
 */
export function createHeartbeat(parts: {
  readonly everyMs: number;
  readonly isNeeded: () => boolean;
  readonly beat: () => void;
}): Heartbeat {
  let timer: ReturnType<typeof setInterval> | null = null;
  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  return {
    start() {
      if (timer !== null) return;
      timer = setInterval(() => {
        if (parts.isNeeded()) parts.beat();
        else stop();
      }, parts.everyMs);
      // Not there in every runtime that has timers.
      (timer as { unref?: () => void }).unref?.();
    },
    stop,
  };
}
