import type { Clock } from '../../core/clock.ts';

/** Slows down who tries keys. It bounds its own memory, whoever sends from however many addresses. */
export interface Guesses {
  /** How long an address has to wait before another unknown key of it is looked at; 0 when it has not. */
  waitMs(remote: string | null): number;
  /** A key from this address was refused. */
  failed(remote: string | null): void;
}

const freeTries = 10;
const pauseFirstMs = 1000;
const pauseMaxMs = 60_000;
/** An address that was quiet for so long begins anew. */
const forgetMs = 15 * 60_000;
const addressesMax = 10_000;

interface Tries {
  readonly count: number;
  readonly untilMs: number;
  readonly lastMs: number;
}

/** Ten refused keys are free; each further one doubles the wait, up to a minute. */
export function createGuesses(clock: Clock): Guesses {
  const triesByRemote = new Map<string, Tries>();
  const triesOf = (remote: string, nowMs: number): Tries | null => {
    const tries = triesByRemote.get(remote);
    return tries === undefined || nowMs - tries.lastMs > forgetMs ? null : tries;
  };
  return {
    waitMs(remote) {
      const nowMs = clock.monotonicMs();
      return Math.max(0, (triesOf(remote ?? '', nowMs)?.untilMs ?? 0) - nowMs);
    },
    failed(remote) {
      const nowMs = clock.monotonicMs();
      const count = (triesOf(remote ?? '', nowMs)?.count ?? 0) + 1;
      const over = count - freeTries;
      const untilMs = over < 0 ? 0 : nowMs + Math.min(pauseMaxMs, pauseFirstMs * 2 ** Math.min(over, 10));
      // Taken out and put in again: the map's first entry is the one that was quiet longest.
      triesByRemote.delete(remote ?? '');
      triesByRemote.set(remote ?? '', { count, untilMs, lastMs: nowMs });
      const [oldest] = triesByRemote.keys();
      if (triesByRemote.size > addressesMax && oldest !== undefined) triesByRemote.delete(oldest);
    },
  };
}
