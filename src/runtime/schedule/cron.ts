import { Cron } from 'croner';
import { TachographError } from '../../core/error.ts';

/** When a schedule comes: its pattern, and where its clock hangs. */
export interface CronTimes {
  /** The first tick after a moment; `null`: none ever. Unix milliseconds. */
  nextAfter(ms: number): number | null;
  /** The newest tick at or before `ms` and not before `fromMs`, which is a tick itself. */
  newestUpTo(ms: number, fromMs: number): number;
}

/** How far back is looked for the newest of many ticks, step by step further. */
const lookBackMs = [2 * 60_000, 3 * 3600_000, 3 * 86_400_000, 70 * 86_400_000, 800 * 86_400_000];

/** The times of a pattern. `bad-argument` for a pattern or a time zone that is none. */
export function parseCron(cron: string, timeZone: string): CronTimes {
  let job: Cron;
  try {
    job = new Cron(cron, { timezone: timeZone, paused: true });
    job.nextRun(new Date(0));
  } catch (cause) {
    throw new TachographError(
      'bad-argument',
      `The schedule "${cron}" in the time zone "${timeZone}" cannot be read: give five or six fields, or a name as @hourly, and an IANA time zone.`,
      { cause },
    );
  }
  const nextAfter = (ms: number): number | null => job.nextRun(new Date(ms))?.getTime() ?? null;
  return {
    nextAfter,
    newestUpTo(ms, fromMs) {
      let newest = fromMs;
      for (const backMs of lookBackMs) {
        if (ms - backMs <= fromMs) break;
        const first = nextAfter(ms - backMs);
        if (first !== null && first <= ms) {
          newest = first;
          break;
        }
      }
      for (;;) {
        const next = nextAfter(newest);
        if (next === null || next > ms) return newest;
        newest = next;
      }
    },
  };
}
