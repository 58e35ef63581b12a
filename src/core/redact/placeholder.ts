import { hash } from 'node:crypto';

/** Opens every placeholder. */
export const placeholderOpening = '[REDACTED:';

const placeholderAnywhere = /\[REDACTED:[a-z0-9-]{1,40}:[0-9a-f]{8}\]/g;
const withheldWhole = /^\[WITHHELD:[a-z-]{1,40}:\d{1,16}\]$/;
const schemeWord = /^\s*(?:bearer|basic|token|digest|negotiate|apikey|bot)\s/i;

/** What stands in the place of text that was withheld whole: the reason and its size in UTF-8 bytes. */
export function toWithheld(reason: string, text: string): string {
  return `[WITHHELD:${reason}:${typeof text === 'string' ? Buffer.byteLength(text) : 0}]`;
}

/** True for a text that is nothing but the mark of something withheld. */
export function isWithheld(text: string): boolean {
  return text.length < 80 && withheldWhole.test(text);
}

/** True when a value has lost its secret before: placeholders are its only words, an authentication scheme aside. */
export function isRedacted(value: string): boolean {
  if (!value.includes(placeholderOpening)) return isWithheld(value);
  const rest = value.replace(placeholderAnywhere, '').replace(schemeWord, '');
  return !/[^\s"'\\,;:.()[\]{}@&=-]/.test(rest);
}

/** Offsets of the placeholders in a text, `[start, end]` each, in order. */
export function placeholderSpans(text: string): [number, number][] {
  if (!text.includes(placeholderOpening)) return [];
  return [...text.matchAll(placeholderAnywhere)].map((match) => [match.index, match.index + match[0].length]);
}

/** The placeholder of a secret; the same secret gives the same eight digits whatever its kind. */
export type Mark = (kind: string, secret: string) => string;

const blockBytes = 64;

/** HMAC-SHA-256 under one key, 64 hex digits: two digests in one call each take 3 µs, `createHmac` takes 10. */
export function createKeyedDigest(key: Uint8Array): (text: string) => string {
  const padded = Buffer.alloc(blockBytes);
  padded.set(key.byteLength > blockBytes ? hash('sha256', key, 'buffer') : key);
  const inner = padded.map((byte) => byte ^ 0x36);
  const outer = padded.map((byte) => byte ^ 0x5c);
  return (text) => {
    const digest = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer');
    return hash('sha256', Buffer.concat([outer, digest]), 'hex');
  };
}

/** Marks under a project's key: without the key no guess at a secret can be confirmed from its placeholder. */
export function createMark(key: Uint8Array): Mark {
  let digest: ((text: string) => string) | null = null;
  return (kind, secret) => {
    digest ??= createKeyedDigest(key);
    return `${placeholderOpening}${kind}:${digest(secret).slice(0, 8)}]`;
  };
}
