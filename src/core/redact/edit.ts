import { TachographError } from '../error.ts';

/** One replacement in a text: UTF-16 offsets, end exclusive. `kind` names what went, for the count. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  readonly kind: string;
}

/** Counts what one redaction removed, by kind. */
export interface Tally {
  add(kind: string): void;
  /** `null` when nothing was removed. */
  counts(): Record<string, number> | null;
}

/** A tally at nothing. */
export function createTally(): Tally {
  const countByKind = new Map<string, number>();
  return {
    add: (kind) => void countByKind.set(kind, (countByKind.get(kind) ?? 0) + 1),
    counts: () => (countByKind.size === 0 ? null : Object.fromEntries(countByKind)),
  };
}

/** A secret found in a text. `isDropped` ones leave nothing behind. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  readonly isDropped?: boolean;
  /** The secret as it is behind its encoding, where the text holds it encoded. */
  readonly secret?: string;
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
    const end = Math.max(last.end, finding.end);
    const isWhole = longer.start === last.start && longer.end === end;
    joined[joined.length - 1] = isWhole ? longer : { start: last.start, end, kind: longer.kind };
  }
  return joined;
}

/**
 * Repeats a search until it finds nothing more, which makes redaction idempotent by construction. Throws `internal`
 * when a text does not come to rest; the caller then withholds it.
 */
export function settle(text: string, tally: Tally, find: (text: string) => readonly Edit[]): string {
  let current = text;
  for (let round = 0; round < roundsMax; round += 1) {
    const edits = find(current);
    if (edits.length === 0) return current;
    for (const edit of edits) tally.add(edit.kind);
    current = applyEdits(current, edits);
  }
  throw new TachographError(
    'internal',
    `Redaction did not come to rest after ${roundsMax} rounds; the text is withheld.`,
  );
}
