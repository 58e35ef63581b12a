/** Wakes one sleeper. A ring before the wait is not lost. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, at once if it rang since the last wait, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** A bell that has not rung. */
export function createBell(): Bell {
  let rang = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rang = true;
      wake?.();
    },
    async wait(signal) {
      if (!rang && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        wake = null;
      }
      rang = false;
    },
  };
}
