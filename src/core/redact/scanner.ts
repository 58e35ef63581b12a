import { settle } from './edit.ts';
import type { JsonScan } from './json/edits.ts';
import { jsonEdits, tryJsonEdits } from './json/edits.ts';
import { MalformedJson } from './json/walk.ts';
import type { KeyJudge } from './keys.ts';
import type { Marks } from './placeholder.ts';
import { toWithheld } from './placeholder.ts';
import { hasAnchor, hasJsonAnchor } from './detect/anchor.ts';
import { markWhole, textEdits } from './detect/text.ts';

/** The ways to read a text in one redaction; all of them come to rest: scanning the result finds nothing. */
export interface Scanner {
  readonly judge: KeyJudge;
  /** True when neither a detector nor a denied key can be in the text. */
  isClean(text: string): boolean;
  /** Plain text. */
  text(text: string): string;
  /** Text that must be JSON: withheld with its size when it is not. `isCut` lets it end anywhere. */
  json(text: string, isCut: boolean): string;
  /** Text that may be JSON. */
  loose(text: string): string;
  /** A whole value that goes. */
  whole(value: string, kind: string): string;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A scanner for one call. */
export function createScanner(judge: KeyJudge, marks: Marks): Scanner {
  const scan: JsonScan = { judge, marks, isCut: false, nesting: 0 };
  const text = (value: string): string =>
    hasAnchor(value) ? settle(value, (current) => textEdits(current, marks)) : value;
  const bad = (value: string): string => {
    marks.count('bad-json');
    return toWithheld('bad-json', value);
  };
  const json = (value: string, isCut: boolean): string => {
    if (!isCut) return isJson(value) ? settle(value, (current) => jsonEdits(current, scan)) : bad(value);
    try {
      return settle(value, (current) => jsonEdits(current, { ...scan, isCut: true }));
    } catch (error) {
      if (error instanceof MalformedJson || error instanceof SyntaxError) return bad(value);
      throw error;
    }
  };
  return {
    judge,
    text,
    json,
    isClean: (value) => !hasJsonAnchor(value, judge.extraAnchor),
    loose: (value) =>
      /^\s*[{[]/.test(value)
        ? settle(value, (current) => tryJsonEdits(current, { ...scan, isCut: true }) ?? textEdits(current, marks))
        : text(value),
    whole: (value, kind) => markWhole(value, kind, marks),
  };
}
