import { createHmac } from 'node:crypto';

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

/** Marks under a project's key: without the key no guess at a secret can be confirmed from its placeholder. */
export function createMark(key: Uint8Array): Mark {
  return (kind, secret) =>
    `${placeholderOpening}${kind}:${createHmac('sha256', key).update(secret).digest('hex').slice(0, 8)}]`;
}
