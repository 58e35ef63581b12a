/**
 * Waits for `work`, but no longer than until `signal` aborts: then calls `leave` and rejects with the signal's reason.
 * What becomes of the work after that is nobody's error.
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, leave: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => {
      leave();
      reject(signal.reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const settled = (): void => signal.removeEventListener('abort', stop);
    work.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}
