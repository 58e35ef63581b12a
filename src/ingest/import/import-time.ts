import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { IdSource } from '../../core/id.ts';

/** A clock that shows the times of what is imported. */
export interface ImportClock extends Clock {
  /** Sets it to a moment, Unix milliseconds. */
  set(ms: number): void;
}

/**
 * A clock that stands until it is set. Its monotonic side shows no number: a duration that the source does not tell cannot be
 * measured here, and comes out as `null` (I12).
 */
export function createImportClock(startMs: number): ImportClock {
  let nowMs = startMs;
  return {
    set(ms) {
      nowMs = ms;
    },
    nowMs: () => nowMs,
    monotonicMs: () => Number.NaN,
  };
}

/** Identifiers that follow from what is imported: the same source gives the same ones, so that importing twice adds nothing. */
export interface DerivedIds extends IdSource {
  /** Begins the identifiers of another run. */
  begin(seed: string): void;
}

/** A writer id for all imports: their chains are told apart by run. */
export const importWriterId = createHash('sha256').update('tachograph import').digest('hex').slice(0, 16);

/** Identifiers from SHA-256 over the seed and a counter. Their times are the clock's. */
export function createDerivedIds(clock: Clock): DerivedIds {
  let seed = '';
  let block = 0;
  let pool = Buffer.alloc(0);
  let lastMs = 0;
  let counter = 0;

  const take = (bytes: number): Buffer => {
    while (pool.length < bytes) {
      const next = createHash('sha256').update(`${seed}\n${block}`).digest();
      block += 1;
      pool = Buffer.concat([pool, next]);
    }
    const taken = pool.subarray(0, bytes);
    pool = pool.subarray(bytes);
    return taken;
  };

  return {
    begin(next) {
      seed = next;
      block = 0;
      pool = Buffer.alloc(0);
      lastMs = 0;
      counter = 0;
    },
    uuid() {
      const nowMs = clock.nowMs();
      // Twelve bits of counter keep the order within a millisecond; past them time runs ahead.
      if (nowMs > lastMs) {
        lastMs = nowMs;
        counter = 0;
      } else if (++counter > 0xfff) {
        lastMs += 1;
        counter = 0;
      }
      return toUuid(lastMs, counter, take(8));
    },
    hex: (bytes) => take(bytes).toString('hex'),
    random: (bytes) => Uint8Array.from(take(bytes)),
  };
}

function toUuid(ms: number, counter: number, tail: Buffer): string {
  const time = ms.toString(16).padStart(12, '0');
  const hex = tail.toString('hex');
  const variant = ((tail[0]! & 0x3f) | 0x80).toString(16).padStart(2, '0');
  const head = (0x7000 | counter).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-${head}-${variant}${hex.slice(2, 4)}-${hex.slice(4)}`;
}
