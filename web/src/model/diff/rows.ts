import type { StepRow } from '../../api/wire.ts';
import { notAvailable } from '../figures.ts';

/** The state of the page of a comparison as its address shows it. */
export interface DiffSearch {
  /** The chosen row, counted from 1. */
  readonly row?: string;
}

/** Reads the page's state from an address; unknown fields are left out. */
export function parseDiffSearch(raw: Readonly<Record<string, unknown>>): DiffSearch {
  const { row } = raw;
  return typeof row === 'string' && /^[1-9]\d{0,6}$/.test(row) ? { row } : {};
}

/** What the list of rows shows: a row, or a stretch of rows that are the same. */
export type DiffItem =
  | { readonly kind: 'row'; readonly at: number; readonly row: StepRow }
  | { readonly kind: 'same'; readonly at: number; readonly count: number };

/** True when a row has two sides and nothing differs. */
export function isSameRow(row: StepRow): boolean {
  return row.a !== null && row.b !== null && row.differs.length === 0;
}

/** Rows with long stretches of same ones folded, but for one beside each that differs. */
export function foldRows(rows: readonly StepRow[], isOpen: (at: number) => boolean): readonly DiffItem[] {
  const isShown = rows.map((_row, at) =>
    [at - 1, at, at + 1].some((near) => rows[near] !== undefined && !isSameRow(rows[near])),
  );
  const items: DiffItem[] = [];
  let at = 0;
  while (at < rows.length) {
    let end = at;
    while (end < rows.length && !isShown[end]!) end += 1;
    if (end - at > 2 && !isOpen(at)) {
      items.push({ kind: 'same', at, count: end - at });
      at = end;
    } else {
      items.push({ kind: 'row', at, row: rows[at]! });
      at += 1;
    }
  }
  return items;
}

/** A difference with its sign: `+1,204`, `−88`, `±0`; `n/a` when either side is unknown (I12). */
export function toSigned(value: number | null, show: (magnitude: number) => string): string {
  if (value === null) return notAvailable;
  return value === 0 ? '±0' : `${value > 0 ? '+' : '−'}${show(Math.abs(value))}`;
}

/** Whole milliseconds: less is noise between two runs. */
export function toWholeMs(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms) + 0;
}

/** A text in three parts: what it begins and ends with in common with another, and what is its own. */
export interface Segments {
  readonly head: string;
  readonly own: string;
  readonly tail: string;
}

/** Both texts parted where they differ. */
export function toSegments(before: string, after: string): readonly [Segments, Segments] {
  let head = 0;
  const shorter = Math.min(before.length, after.length);
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const part = (text: string): Segments => ({
    head: text.slice(0, head),
    own: text.slice(head, text.length - tail),
    tail: text.slice(text.length - tail),
  });
  return [part(before), part(after)];
}

/** A head or tail cut to the characters beside the difference. */
export function cutSides({ head, own, tail }: Segments, charsMax = 160): Segments {
  return {
    head: head.length > charsMax ? `…${head.slice(-charsMax)}` : head,
    own,
    tail: tail.length > charsMax ? `${tail.slice(0, charsMax)}…` : tail,
  };
}
