import { createHmac } from 'node:crypto';

/** Opens every placeholder. */
export const placeholderOpening = '[REDACTED:';

const placeholderAnywhere = /\[REDACTED:[a-z0-9-]{1,40}:[0-9a-f]{8}\]/g;
const withheldWhole = /^\[WITHHELD:[a-z-]{1,40}:\d{1,16}\]$/;
const schemeWord = /^\s*(?:bearer|basic|token|digest|negotiate|apikey|bot)\s/i;

/** What stands in the place of text that was withheld whole: the reason and its size in UTF-8 bytes. */
export function toWithheld(reason: string, text: string): string {
  return `[WITHHELD:${reason}:${Buffer.byteLength(text)}]`;
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

/** One call's marks: makes placeholders and counts them by kind. */
export interface Marks {
  /** The placeholder of a secret; the same secret gives the same eight digits whatever the kind. */
  mark(kind: string, secret: string): string;
  /** Counts something removed without a placeholder. */
  count(kind: string): void;
  /** Counts so far, or `null` when nothing was removed. */
  counts(): Record<string, number> | null;
}

/** Marks under a project's key: without the key no guess at a secret can be confirmed from its placeholder. */
export function createMarks(key: Uint8Array): Marks {
  let counts: Record<string, number> | null = null;
  const count = (kind: string): void => {
    counts ??= {};
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  return {
    mark(kind, secret) {
      count(kind);
      return `${placeholderOpening}${kind}:${createHmac('sha256', key).update(secret).digest('hex').slice(0, 8)}]`;
    },
    count,
    counts: () => counts,
  };
}
