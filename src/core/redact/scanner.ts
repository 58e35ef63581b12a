import { hasAnchor, isSuspect } from './detect/suspect.ts';
import { cutMarkAt } from './detect/cut.ts';
import type { Extra } from './detect/text.ts';
import { markWhole, textEdits, textFindings } from './detect/text.ts';
import { wholeUrlEdits } from './detect/url.ts';
import type { Tally } from './edit.ts';
import { settle } from './edit.ts';
import type { JsonScan } from './json/edits.ts';
import { jsonEdits, tryJsonEdits } from './json/edits.ts';
import { isSplitOver } from './json/parts.ts';
import type { PathRules } from './json/paths.ts';
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
  /** Text that is one URL or path. */
  url(text: string): string;
  /** A name of our own or of a caller: credentials go, personal data stays. */
  identifier(value: string): string;
  /** The end of a cut text: what is left of a credential that the cut went through goes. */
  end(text: string): string;
  /** A whole value that goes. */
  whole(value: string, kind: string): string;
}

const rememberedCharsMax = 256;

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

/** What all scanners of a redactor share. */
export interface ScannerParts {
  readonly judge: KeyJudge;
  readonly mark: Mark;
  readonly extra: Extra | null;
  readonly paths: PathRules | null;
}

/** True when plain text needs no further look. */
export function isCleanText(text: string, extra: Extra | null): boolean {
  return !hasAnchor(text) && (extra === null || !extra.isIn(text));
}

/** True when JSON text needs no further look. */
export function isCleanJson(text: string, { judge, extra, paths }: ScannerParts): boolean {
  if (paths !== null || isSuspect(text, judge.extraAnchor) || extra?.isIn(text) === true) return false;
  return !isSplitOver(text, (joined) => textFindings(joined));
}

/** A mark that remembers what it has marked: one secret, said a thousand times, is digested once. */
function toRememberingMark(mark: Mark): Mark {
  const placeholdersByKind = new Map<string, Map<string, string>>();
  return (kind, secret) => {
    if (secret.length > rememberedCharsMax) return mark(kind, secret);
    let placeholderBySecret = placeholdersByKind.get(kind);
    if (placeholderBySecret === undefined) placeholdersByKind.set(kind, (placeholderBySecret = new Map()));
    let known = placeholderBySecret.get(secret);
    if (known === undefined) placeholderBySecret.set(secret, (known = mark(kind, secret)));
    return known;
  };
}

/** A scanner for one call; `tally` counts what it removes. */
export function createScanner(parts: ScannerParts, tally: Tally): Scanner {
  const { judge, extra } = parts;
  const mark = toRememberingMark(parts.mark);
  const whole: JsonScan = { ...parts, mark, isCut: false, nesting: 0 };
  const cut: JsonScan = { ...whole, isCut: true };
  const plain = (value: string): string => settle(value, tally, (current) => textEdits(current, mark, extra));
  const text = (value: string): string => (isCleanText(value, extra) ? value : plain(value));
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
    isClean: (value) => isCleanJson(value, parts),
    json: (value, isCut) => (isCut ? cutJson(value) : isJson(value) ? validJson(value) : bad(value)),
    loose: (value) =>
      mayBeJson.test(value)
        ? settle(value, tally, (current) => tryJsonEdits(current, cut) ?? textEdits(current, mark, extra))
        : text(value),
    url: (value) => plain(settle(value, tally, (current) => wholeUrlEdits(current, mark))),
    identifier: (value) => settle(value, tally, (current) => textEdits(current, mark, extra, true)),
    end(value) {
      const at = cutMarkAt(value);
      if (at < 0) return value;
      tally.add('cut');
      return value.slice(0, at) + mark('cut', value.slice(at));
    },
    whole(value, kind) {
      const marked = markWhole(value, kind, mark);
      tally.add(marked.kind);
      return marked.replacement;
    },
  };
}
