import type { Planted } from './secrets.ts';
import { secretCharsMin } from './secrets.ts';

/*
 * Looks for planted secrets in everything that could be made of some bytes: as they are, with escapes read, and with what
 * looks like base64 decoded. Twelve characters of a secret in a row are a leak, so that half of one is found too.
 */
const windowBytes = secretCharsMin;
const bloomBits = 1 << 24;

/** A secret that was found where none may be. */
export interface Leak {
  readonly where: string;
  readonly secret: Planted;
}

/** A search for many secrets at once; its work is in proportion to what is looked at. */
export interface LeakSearch {
  leaks(where: string, bytes: Uint8Array | string): Leak[];
}

const multiplier = 31;
let last = 1;
for (let turn = 1; turn < windowBytes; turn += 1) last = Math.imul(last, multiplier);

function hashOf(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let each = at; each < at + windowBytes; each += 1) hash = (Math.imul(hash, multiplier) + bytes[each]!) | 0;
  return hash;
}

const bit = (hash: number): number => (hash ^ (hash >>> 11)) & (bloomBits - 1);

/** Everything a reader could make of a text by one decoding, and of that by another. */
function* readingsOf(raw: Buffer): Generator<Buffer> {
  yield raw;
  const text = raw.toString('latin1');
  const read = text
    .replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replaceAll(/\\+u00([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replaceAll(/\u0000/g, '');
  if (read.length !== text.length) yield Buffer.from(read, 'latin1');
  const decoded: Buffer[] = [];
  for (const [run] of read.matchAll(/[A-Za-z0-9+/_-]{16,}/g))
    for (let at = 0; at < 4; at += 1) decoded.push(Buffer.from(run.slice(at), 'base64'), separator);
  yield Buffer.concat(decoded);
}

const separator = Buffer.from([0]);

/** A search for these secrets. `isFolded` also finds them with their capitals lost, as an index keeps words. */
export function createLeakSearch(planted: readonly Planted[], isFolded = false): LeakSearch {
  const bloom = new Uint8Array(bloomBits / 8);
  const secretByWindow = new Map<string, Planted | null>();
  for (const one of planted) {
    const secret = isFolded ? one.secret.toLowerCase() : one.secret;
    for (let at = 0; at + windowBytes <= secret.length; at += 1) {
      const part = secret.slice(at, at + windowBytes);
      // What two secrets have in common is a part of their form.
      secretByWindow.set(part, secretByWindow.has(part) && secretByWindow.get(part) !== one ? null : one);
      const place = bit(hashOf(Buffer.from(part, 'latin1'), 0));
      bloom[place >>> 3]! |= 1 << (place & 7);
    }
  }

  const search = (bytes: Buffer, found: Set<Planted>): void => {
    if (bytes.length < windowBytes) return;
    let hash = hashOf(bytes, 0);
    for (let at = 0; ; at += 1) {
      const place = bit(hash);
      if ((bloom[place >>> 3]! & (1 << (place & 7))) !== 0) {
        const hit = secretByWindow.get(bytes.toString('latin1', at, at + windowBytes));
        if (hit != null) found.add(hit);
      }
      if (at + windowBytes >= bytes.length) return;
      hash = (Math.imul((hash - Math.imul(bytes[at]!, last)) | 0, multiplier) + bytes[at + windowBytes]!) | 0;
    }
  };

  return {
    leaks(where, given) {
      const raw =
        typeof given === 'string' ? Buffer.from(given) : Buffer.from(given.buffer, given.byteOffset, given.byteLength);
      const found = new Set<Planted>();
      for (const reading of readingsOf(raw)) search(reading, found);
      return [...found].map((secret) => ({ where, secret }));
    },
  };
}
