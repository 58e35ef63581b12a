import { randomFillSync } from 'node:crypto';
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';

/** Where identifiers come from. Passed in, so that tests are repeatable. */
export interface IdSource {
  /** A UUIDv7 (RFC 9562), monotonic within this source. */
  uuid(): string;
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string;
  /** `bytes` fresh random bytes that the caller may keep. */
  random(bytes: number): Uint8Array;
}

const poolBytes = 8192;

/**
 * Identifiers from the system's randomness. Random bytes are drawn in blocks of 8 KiB, since one system
 * call per salt costs more than the hash it feeds.
 */
export function createIdSource(clock: Clock = systemClock): IdSource {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  let lastMs = 0;
  let counter = 0;
  let time = timeText(0);

  const tick = (ms: number): void => {
    lastMs = ms;
    // Written out once a millisecond: a number of this size in hexadecimal costs 0.2 µs.
    time = timeText(ms);
  };

  const take = (bytes: number): Buffer => {
    if (used + bytes > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.subarray(used - bytes, used);
  };

  return {
    uuid() {
      const nowMs = clock.nowMs();
      // 12 bits of counter follow the milliseconds; when they run out, or the clock steps back, the
      // timestamp runs ahead of the clock rather than repeat or reorder.
      if (nowMs > lastMs) {
        tick(nowMs);
        counter = take(2).readUInt16BE() & 0x3ff;
      } else if (++counter > 0xfff) {
        tick(lastMs + 1);
        counter = 0;
      }
      return uuidFrom(time, counter, take(8));
    },
    hex: (bytes) => take(bytes).toString('hex'),
    random(bytes) {
      const own = new Uint8Array(bytes);
      own.set(take(bytes));
      return own;
    },
  };
}

function timeText(ms: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-`;
}

function uuidFrom(time: string, counter: number, tail: Buffer): string {
  const head = (0x7000 | counter).toString(16);
  const hex = tail.toString('hex');
  const variant = ((tail[0]! & 0x3f) | 0x80).toString(16);
  return `${time}${head}-${variant}${hex.slice(2, 4)}-${hex.slice(4)}`;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** True for a lower-case UUIDv7 with the right variant. */
export function isUuid(value: string): boolean {
  return uuidPattern.test(value);
}

/** The milliseconds since the Unix epoch that a UUIDv7 carries. */
export function uuidToMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
