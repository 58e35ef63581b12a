import { isIPv6 } from 'node:net';
import type { Clock } from '../../core/clock.ts';

/** Slows down who tries keys. It bounds its own memory, whoever sends from however many addresses. */
export interface Guesses {
  /** How long an address has to wait before another unknown key of it is looked at; 0 when it has not. */
  waitMs(remote: string | null): number;
  /** A key from this address was refused. */
  failed(remote: string | null): void;
  /** True as often as keys may be looked for that come from addresses that have to wait. */
  mayLook(): boolean;
}

const freeTries = 10;
const pauseFirstMs = 1000;
const pauseMaxMs = 60_000;
/** An address that was quiet for so long begins anew. */
const forgetMs = 15 * 60_000;
const addressesMax = 10_000;
const looksPerSecond = 50;

/** An IPv6 address by its network: whoever has one of its addresses has all 2^64 of them. */
function toNetwork(remote: string | null): string {
  const address = remote ?? '';
  const [, v4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (v4 !== undefined || !isIPv6(address)) return v4 ?? address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  const filled =
    tail === undefined ? groups : [...groups, ...Array.from({ length: 8 - groups.length - after }, () => '0')];
  return [...filled, ...(tail ?? '').split(':')].slice(0, 4).join(':').toLowerCase();
}

interface Tries {
  readonly count: number;
  readonly untilMs: number;
  readonly lastMs: number;
}

/** Ten refused keys are free; each further one doubles the wait, up to a minute. */
export function createGuesses(clock: Clock): Guesses {
  const triesByRemote = new Map<string, Tries>();
  let looks = { left: looksPerSecond, sinceMs: -Infinity };
  const triesOf = (remote: string, nowMs: number): Tries | null => {
    const tries = triesByRemote.get(remote);
    return tries === undefined || nowMs - tries.lastMs > forgetMs ? null : tries;
  };
  return {
    waitMs(remote) {
      const nowMs = clock.monotonicMs();
      return Math.max(0, (triesOf(toNetwork(remote), nowMs)?.untilMs ?? 0) - nowMs);
    },
    failed(remote) {
      const nowMs = clock.monotonicMs();
      const network = toNetwork(remote);
      const count = (triesOf(network, nowMs)?.count ?? 0) + 1;
      const over = count - freeTries;
      const untilMs = over < 0 ? 0 : nowMs + Math.min(pauseMaxMs, pauseFirstMs * 2 ** Math.min(over, 10));
      // Taken out and put in again: the map's first entry is the one that was quiet longest.
      triesByRemote.delete(network);
      triesByRemote.set(network, { count, untilMs, lastMs: nowMs });
      const [oldest] = triesByRemote.keys();
      if (triesByRemote.size > addressesMax && oldest !== undefined) triesByRemote.delete(oldest);
    },
    mayLook() {
      const nowMs = clock.monotonicMs();
      if (nowMs - looks.sinceMs >= 1000) looks = { left: looksPerSecond, sinceMs: nowMs };
      looks.left -= 1;
      return looks.left >= 0;
    },
  };
}
