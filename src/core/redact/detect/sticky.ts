import type { Finding } from '../edit.ts';

/** Looks at one anchor; a finding, or `null` when the anchor is a look-alike. Reads forward only. */
export type Detect = (text: string, at: number) => Finding | null;

/** End of the match of a sticky pattern at a place, or -1. */
export function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

/** A detector of what a sticky pattern matches. */
export function detectWhole(pattern: RegExp, kind: string): Detect {
  return (text, at) => {
    const end = matchEnd(pattern, text, at);
    return end < 0 ? null : { start: at, end, kind };
  };
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 45;

/** True when no word runs into this place; the letters of `\n`, `%3D` and `\u0022` are no part of a word. */
export function isBoundary(text: string, at: number): boolean {
  if (at === 0 || !isWord(text.charCodeAt(at - 1))) return true;
  return /(?:\\[bfnrt]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})$/.test(text.slice(Math.max(0, at - 6), at));
}

/** Runs a detector at every place of a global pattern and goes on behind what it found. */
export function findEach(
  text: string,
  anchor: RegExp,
  detect: (at: number, match: string) => Finding | null,
  findings: Finding[],
): void {
  anchor.lastIndex = 0;
  for (let match = anchor.exec(text); match !== null; match = anchor.exec(text)) {
    const finding = detect(match.index, match[0]);
    if (finding === null) continue;
    findings.push(finding);
    anchor.lastIndex = finding.end;
  }
}
