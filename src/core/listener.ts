/** Hears of what went wrong in the recording itself. */
export type FaultListener = (error: unknown) => void;

const nothing = (): void => undefined;

/** A user's listener that can do no harm: what it throws, or rejects with, ends here (I1). */
export function toHarmlessListener(listener: FaultListener | undefined): FaultListener {
  if (typeof listener !== 'function') return nothing;
  return (error) => {
    try {
      const told: unknown = listener(error);
      if (told instanceof Promise) told.catch(nothing);
    } catch {
      // It has told its own fault away; there is nobody left to tell.
      return;
    }
  };
}

/** Runs `work`; what it throws is told, and `otherwise` is the answer (I1). */
export type Safely = <T>(work: () => T, otherwise: T) => T;

/** Work of the recording that must not reach the host when it fails. */
export function createSafely(listener: FaultListener | undefined): Safely {
  const tell = toHarmlessListener(listener);
  return (work, otherwise) => {
    try {
      return work();
    } catch (error) {
      tell(error);
      return otherwise;
    }
  };
}
