/** Tells the workers of this process that there may be something to do. */
export interface WakeHub {
  /** Something may be claimed now. */
  fire(): void;
  /** Calls `listener` on every fire, until the function it returns is called. */
  listen(listener: () => void): () => void;
}

const hubByWork = new WeakMap<object, WakeHub>();

function createHub(): WakeHub {
  const listeners = new Set<() => void>();
  return {
    fire() {
      for (const listener of listeners) listener();
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The hub of all that this process does with one store: a run that is created here is claimed here without a poll. */
export function wakeHubOf(work: object): WakeHub {
  const known = hubByWork.get(work);
  if (known !== undefined) return known;
  const hub = createHub();
  hubByWork.set(work, hub);
  return hub;
}
