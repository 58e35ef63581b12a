import { listenPostgres } from '../../stores/postgres/index.ts';

/** Notices of a moment are one: every write of anybody rings. */
const everyMs = 50;

/** Calls `wake` at once, and at most every 50 ms however often it is called itself; the last call is never lost. */
export function createWaker(wake: () => void): { ring(): void; close(): void } {
  let timer: NodeJS.Timeout | null = null;
  let isRung = false;
  const rest = (): void => {
    timer = setTimeout(() => {
      timer = null;
      if (!isRung) return;
      isRung = false;
      wake();
      rest();
    }, everyMs);
    timer.unref();
  };
  return {
    ring() {
      if (timer !== null) {
        isRung = true;
        return;
      }
      wake();
      rest();
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}

/**
 * Wakes workers when any process writes to the database, by TACHOGRAPH_DATABASE_DIRECT_URL, which leads past a pooler;
 * without it they find new runs by looking. Gives what ends it.
 */
export async function listenForWork(
  variables: Readonly<Record<string, string | undefined>>,
  wake: () => void,
  onError: (error: unknown) => void,
): Promise<{ close(): Promise<void> }> {
  const url = variables['TACHOGRAPH_DATABASE_DIRECT_URL'] ?? '';
  if (url === '') return { close: async () => undefined };
  const waker = createWaker(wake);
  try {
    const bell = await listenPostgres({ url, onChange: () => waker.ring(), onError });
    return {
      async close() {
        waker.close();
        await bell.close();
      },
    };
  } catch (error) {
    // Runs are found by looking then, only later.
    onError(error);
    return { close: async () => undefined };
  }
}
