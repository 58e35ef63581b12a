import { hasAnchor, hasJsonAnchor } from './detect/anchor.ts';
import { markWhole, textEdits } from './detect/text.ts';
import type { Tally } from './edit.ts';
import { settle } from './edit.ts';
import type { JsonScan } from './json/edits.ts';
import { jsonEdits, tryJsonEdits } from './json/edits.ts';
import { MalformedJson } from './json/walk.ts';
import type { KeyJudge } from './keys.ts';
import type { Mark } from './placeholder.ts';
import { toWithheld } from './placeholder.ts';

/** The ways to read a text in one redaction; all of them come to rest: scanning the result finds nothing. */
export interface Scanner {
  readonly judge: KeyJudge;
  /** True when neither a detector nor a denied key can be in the text. */
  isClean(text: string): boolean;
  /** Plain text. */
  text(text: string): string;
  /** JSON text that is known to be valid. */
  validJson(text: string): string;
  /** Text that must be JSON: withheld with its size when it is not. `isCut` lets it end anywhere. */
  json(text: string, isCut: boolean): string;
  /** Text that may be JSON. */
  loose(text: string): string;
  /** A whole value that goes. */
  whole(value: string, kind: string): string;
}

/** Text that begins as an object or array does. */
export const mayBeJson = /^\s*[{[]/;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A scanner for one call; `tally` counts what it removes. */
export function createScanner(parts: { judge: KeyJudge; mark: Mark; tally: Tally }): Scanner {
  const { judge, mark, tally } = parts;
  const whole: JsonScan = { judge, mark, isCut: false, nesting: 0 };
  const cut: JsonScan = { ...whole, isCut: true };
  const text = (value: string): string =>
    hasAnchor(value) ? settle(value, tally, (current) => textEdits(current, mark)) : value;
  const validJson = (value: string): string => settle(value, tally, (current) => jsonEdits(current, whole));
  const bad = (value: string): string => {
    tally.add('bad-json');
    return toWithheld('bad-json', value);
  };
  const cutJson = (value: string): string => {
    try {
      return settle(value, tally, (current) => jsonEdits(current, cut));
    } catch (error) {
      if (error instanceof MalformedJson || error instanceof SyntaxError) return bad(value);
      throw error;
    }
  };
  return {
    judge,
    text,
    validJson,
    isClean: (value) => !hasJsonAnchor(value, judge.extraAnchor),
    json: (value, isCut) => (isCut ? cutJson(value) : isJson(value) ? validJson(value) : bad(value)),
    loose: (value) =>
      mayBeJson.test(value)
        ? settle(value, tally, (current) => tryJsonEdits(current, cut) ?? textEdits(current, mark))
        : text(value),
    whole(value, kind) {
      const marked = markWhole(value, kind, mark);
      tally.add(marked.kind);
      return marked.replacement;
    },
  };
}
