import { TachographError } from '../../core/error.ts';
import { storeTimeOf } from '../store-time.ts';
import type { ContextParts } from './surroundings.ts';

/** So long a worker holds a run that only waits; past it the run is given back. */
const holdMs = 1000;

const timeOf = ({ parts }: ContextParts): Promise<number> => storeTimeOf(parts.work, parts.clock).nowMs();

/** Where the payload of a signal is sealed for. */
export const signalPlace = (runId: string, signalId: string): string => `signal/${runId}/${signalId}`;

/** Resolves after a time, or rejects with the end of the lease. */
export function holdFor(of: ContextParts, ms: number): Promise<void> {
  const { signal } = of.lease;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

function checkMs(what: string, ms: unknown): void {
  if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) return;
  throw new TachographError('bad-argument', `${what} must be a number of milliseconds of at least 0.`);
}

/** Sleeps until a time of the store's clock, over as many leases as it takes. */
export async function sleepFor(of: ContextParts, wait: number | { readonly untilMs: number }): Promise<void> {
  of.lease.check();
  checkMs('A time to sleep', typeof wait === 'number' ? wait : wait?.untilMs);
  const known = of.memory.next('sleep', 'sleep', wait);
  if (known.memo?.status === 'done') return;
  const nowMs = await timeOf(of);
  const untilMs =
    known.memo === null ? (typeof wait === 'number' ? nowMs + wait : wait.untilMs) : (known.value() as number);
  if (untilMs - nowMs > holdMs) {
    await of.waits.busy(() => known.put({ status: 'announced', stepId: null, value: untilMs }));
    return await of.waits.until({ untilMs, signal: null });
  }
  await of.waits.busy(async () => {
    await holdFor(of, Math.max(0, untilMs - nowMs));
    await known.put({ status: 'done', stepId: null, value: untilMs });
  });
}

/** The payload of the next signal of a name; `null` when none came in time. */
export async function takeNextSignal(
  of: ContextParts,
  name: string,
  options: { readonly timeoutMs?: number },
): Promise<unknown> {
  of.lease.check();
  const { timeoutMs } = options;
  if (timeoutMs !== undefined) checkMs('timeoutMs', timeoutMs);
  const { parts, run, ref, secrets } = of;
  const known = of.memory.next('signal', `signal/${name}`, timeoutMs ?? null);
  if (known.memo?.status === 'done') return known.value();
  const nowMs = await timeOf(of);
  const given = timeoutMs === undefined ? null : nowMs + timeoutMs;
  const untilMs = known.memo === null ? given : (known.value() as number | null);
  const taken = await of.waits.busy(async () => {
    let payload: unknown = null;
    const signal = await parts.work.takeSignal(run.projectId, {
      lease: ref,
      name,
      toMemo: ({ id, sealed }) => {
        payload = JSON.parse(secrets.open(sealed, signalPlace(run.id, id)));
        return known.toMemo({ status: 'done', stepId: null, value: payload });
      },
    });
    if (signal !== null) return { payload };
    const isLate = untilMs !== null && untilMs <= nowMs;
    // Without a lease there was no signal either: writing says which it is.
    await known.put({ status: isLate ? 'done' : 'announced', stepId: null, value: isLate ? null : untilMs });
    return isLate ? { payload: null } : null;
  });
  if (taken !== null) return taken.payload;
  return await of.waits.until({ untilMs, signal: name });
}
