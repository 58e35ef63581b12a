/** A wait that can be cut short. */
export interface Pause {
  /** True when the time is over, false when it was cut short. Without `isAwake` it keeps no process alive. */
  wait(ms: number, options?: { readonly isAwake?: boolean }): Promise<boolean>;
  end(): void;
}

/** A pause that nobody is in. */
export function createPause(): Pause {
  let finish: ((isOver: boolean) => void) | null = null;
  return {
    wait: (ms, { isAwake = false } = {}) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => finish?.(true), ms);
        if (!isAwake) timer.unref?.();
        finish = (isOver) => {
          clearTimeout(timer);
          finish = null;
          resolve(isOver);
        };
      }),
    end: () => finish?.(false),
  };
}
