import process from 'node:process';

const signals = ['SIGINT', 'SIGTERM'] as const;
const statusBySignal = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Resolves at the first SIGINT or SIGTERM. Whoever sends another one does not want to wait: then the process ends at once.
 * What was acknowledged is on disk by then, so nothing of it is lost.
 */
export function untilStopped(): Promise<(typeof signals)[number]> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const signal of signals) {
      process.on(signal, () => {
        if (isStopping) process.exit(statusBySignal[signal]);
        isStopping = true;
        resolve(signal);
      });
    }
  });
}

/** True when the work was done before the time was up. The work goes on meanwhile; what it throws is thrown. */
export async function isDoneWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
