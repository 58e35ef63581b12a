import { TachographError } from '../error.ts';

/** One replacement in a text: UTF-16 offsets, end exclusive. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** A secret found in a text. `isDropped` ones leave nothing behind. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  readonly isDropped?: boolean;
}

const roundsMax = 12;

/** Applies edits that are in order and do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let at = 0;
  let out = '';
  for (const edit of edits) {
    out += text.slice(at, edit.start) + edit.replacement;
    at = edit.end;
  }
  return out + text.slice(at);
}

/**
 * Puts findings in order and joins those that overlap, so that no tail of a secret outlives the removal of its head.
 * Of two with the same span the first one given names the kind; of others the longer one.
 */
export function joinFindings(findings: readonly Finding[]): Finding[] {
  if (findings.length < 2) return [...findings];
  const sorted = [...findings].sort((a, b) => a.start - b.start);
  const joined: Finding[] = [];
  for (const finding of sorted) {
    const last = joined.at(-1);
    if (last === undefined || finding.start >= last.end) {
      joined.push(finding);
      continue;
    }
    const longer = finding.end - finding.start > last.end - last.start ? finding : last;
    joined[joined.length - 1] = {
      start: last.start,
      end: Math.max(last.end, finding.end),
      kind: longer.kind,
      isDropped: last.isDropped === true && finding.isDropped === true,
    };
  }
  return joined;
}

/**
 * Repeats a search until it finds nothing more, which makes redaction idempotent by construction. Throws `internal`
 * when a text does not come to rest; the caller then withholds it.
 */
export function settle(text: string, find: (text: string) => readonly Edit[]): string {
  let current = text;
  for (let round = 0; round < roundsMax; round += 1) {
    const edits = find(current);
    if (edits.length === 0) return current;
    current = applyEdits(current, edits);
  }
  throw new TachographError('internal', `Redaction did not come to rest after ${roundsMax} rounds; the text is withheld.`);
}
