/**
 * One form in which a provider prints a credential: a literal beginning, and what follows it as the source of a
 * pattern. No pattern has an upper bound, for a bound would leave the tail of a longer credential in the text; each
 * fails within its lower bound or matches, and so stays linear.
 */
export interface Row {
  /** Stands in the placeholder and in the counts: `[a-z0-9-]`, at most 40 characters. */
  readonly kind: string;
  /** At least three characters; letters count as written. */
  readonly mark: string;
  readonly rest: string;
  /** The mark is so telling that it also counts in the middle of a word. */
  readonly isAnywhere: boolean;
}

/** What most credentials are made of. */
export const word = '[A-Za-z0-9_-]';
/** Letters and digits. */
export const alnum = '[A-Za-z0-9]';
/** Hexadecimal digits in lower case. */
export const hex = '[0-9a-f]';
/** Base64 of both alphabets. */
export const base64 = '[A-Za-z0-9+/_-]';

/** Rows of one kind: marks separated by blanks, all followed by the same. */
export function rows(kind: string, marks: string, rest: string, isAnywhere = false): Row[] {
  return marks.split(' ').map((mark) => ({ kind, mark, rest, isAnywhere }));
}
