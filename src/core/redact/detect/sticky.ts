import type { Finding } from '../edit.ts';

/** Looks at one anchor; a finding, or `null` when the anchor is a look-alike. Work is bounded unless it finds. */
export type Detect = (text: string, at: number) => Finding | null;

/** End of the match of a sticky pattern at a place, or -1. */
export function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 45;

/** True when no word runs into this place; the letters of `\n`, `%3D` and `\u0022` are no part of a word. */
export function isBoundary(text: string, at: number): boolean {
  if (at === 0 || !isWord(text.charCodeAt(at - 1))) return true;
  return /(?:\\[bfnrt]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})$/.test(text.slice(Math.max(0, at - 6), at));
}
