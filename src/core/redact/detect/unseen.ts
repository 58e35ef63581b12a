import type { Finding } from '../edit.ts';

/*
 * Characters without width hide a credential from every pattern while a reader sees nothing: soft hyphens, joiners, marks
 * of direction, byte order marks.
 */

const wide = /[\u200B-\u200F\u2060\uFEFF]/;
const unseen = /[\u00AD\u200B-\u200F\u2060\uFEFF]/g;

/** True when a text holds a character without width. Costs next to nothing where all characters are of one byte. */
export function isUnseenIn(text: string): boolean {
  return text.includes('\u00AD') || wide.test(text);
}

/** The text without characters that have no width. */
export function withoutUnseen(text: string): string {
  return text.replace(unseen, '');
}

/** Where characters without width stand. */
export function unseenPlaces(text: string): number[] {
  return Array.from(text.matchAll(unseen), (match) => match.index);
}

/** Adds what is found in the text without its unseen characters; they go with the secret that they are in. */
export function addUnseen(text: string, findings: Finding[], search: (text: string) => readonly Finding[]): void {
  const places = unseenPlaces(text);
  const plain = withoutUnseen(text);
  let passed = 0;
  const lift = (at: number): number => {
    while (passed < places.length && places[passed]! - passed <= at) passed += 1;
    return at + passed;
  };
  for (const finding of [...search(plain)].sort((a, b) => a.start - b.start)) {
    const { start, end, kind } = finding;
    passed = Math.min(passed, places.length);
    const from = lift(start);
    const secret = finding.secret ?? plain.slice(start, end);
    const back = passed;
    findings.push({ start: from, end: lift(end - 1) + 1, kind, isDropped: finding.isDropped ?? false, secret });
    passed = back;
  }
}
