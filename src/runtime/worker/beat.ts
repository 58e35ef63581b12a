/** Something that is done again and again. */
export interface Beat {
  /** Ends it; resolves when what was under way is done. */
  stop(): Promise<void>;
}

/** Does `work` every so often, a random tenth sooner or later, never twice at once. What it throws is told and forgotten. */
export function createBeat(options: {
  readonly everyMs: number;
  readonly work: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly random?: () => number;
}): Beat {
  const { everyMs, work, onError, random = Math.random } = options;
  let isStopped = false;
  let timer: NodeJS.Timeout | null = null;
  let flight: Promise<void> = Promise.resolve();

  const once = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      onError(error);
    }
    plan();
  };

  const plan = (): void => {
    if (isStopped) return;
    const delayMs = Math.max(1, everyMs * (0.9 + 0.2 * random()));
    timer = setTimeout(() => {
      flight = once();
    }, delayMs);
  };

  plan();
  return {
    async stop() {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
      await flight;
    },
  };
}
