/**
 * A walk over JSON text that never builds the document:
 *
 *     value ─► string | number | word | { key : value , … } | [ value , … ]
 *
 * Strings are jumped over with a native search for their closing quote. Depth costs an array entry, not stack.
 */

import type { KeyVerdict } from '../keys.ts';
import type { PathTracker } from './paths.ts';

/** Text that is not JSON. Never leaves the redactor. */
export class MalformedJson extends Error {}

/** Offsets of a value in the text; of a string, of what stands between its quotes. `isCut`: the text ends inside it. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly isCut: boolean;
}

/** What a walk reports. */
export interface Visitor {
  /** The raw name of a key, between its quotes; its verdict is handed to the value's call. */
  key(raw: string, span: Span): KeyVerdict;
  /** A string value. */
  string(span: Span, verdict: KeyVerdict): void;
  /** A number, true, false or null. */
  word(span: Span, verdict: KeyVerdict): void;
  /** An object or array begins. True skips over it: the visitor has dealt with the whole of `find()`. */
  container(start: number, verdict: KeyVerdict, find: () => Span): boolean;
  /** Told of every object and array that is entered and left, and of every further element; `null` when nobody asks. */
  readonly tracker: Pick<PathTracker, 'enter' | 'leave' | 'item'> | null;
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;
const cutWord = /-?[\d.eE+-]*$|t(?:ru?)?$|f(?:a(?:ls?)?)?$|n(?:ul?)?$/y;

/** The span of the string whose opening quote stands at `quote`. */
function stringSpan(text: string, quote: number): Span {
  let close = text.indexOf('"', quote + 1);
  while (close >= 0) {
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === 92) slashes += 1;
    if (slashes % 2 === 0) return { start: quote + 1, end: close, isCut: false };
    close = text.indexOf('"', close + 1);
  }
  return { start: quote + 1, end: text.length, isCut: true };
}

/** The span of the object or array that begins at `start`, found by counting brackets outside strings. */
function containerSpan(text: string, start: number): Span {
  const mark = /["[\]{}]/g;
  mark.lastIndex = start;
  let depth = 0;
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    if (match[0] === '"') {
      const span = stringSpan(text, match.index);
      if (span.isCut) break;
      mark.lastIndex = span.end + 1;
    } else {
      depth += match[0] === '{' || match[0] === '[' ? 1 : -1;
      if (depth === 0) return { start, end: match.index + 1, isCut: false };
    }
  }
  return { start, end: text.length, isCut: true };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at;
    at += 1;
  }
}

function wordSpan(text: string, at: number, isCutAllowed: boolean): Span {
  for (const pattern of [number, word]) {
    pattern.lastIndex = at;
    if (pattern.test(text)) return { start: at, end: pattern.lastIndex, isCut: false };
  }
  cutWord.lastIndex = at;
  if (isCutAllowed && cutWord.test(text)) return { start: at, end: text.length, isCut: true };
  throw new MalformedJson(`Not JSON at ${at}.`);
}

/** Walks one document. `isCutAllowed` lets the text end anywhere; else, and at anything that is not JSON, it throws. */
export function walkJson(text: string, visitor: Visitor, isCutAllowed: boolean): void {
  const isObjectByDepth: boolean[] = [];
  let verdict: KeyVerdict = 'keep';
  let at = 0;
  const fail = (): never => {
    throw new MalformedJson(`Not JSON at ${at}.`);
  };
  const isEnd = (): boolean => {
    at = skipSpace(text, at);
    if (at < text.length) return false;
    return isCutAllowed || fail();
  };
  const takeKey = (): boolean => {
    if (isEnd()) return false;
    if (text[at] !== '"') fail();
    const span = stringSpan(text, at);
    if (span.isCut && !isCutAllowed) fail();
    verdict = visitor.key(text.slice(span.start, span.end), span);
    at = span.end + (span.isCut ? 0 : 1);
    if (isEnd()) return false;
    if (text[at] !== ':') fail();
    at += 1;
    return true;
  };
  const takeScalar = (): void => {
    if (text[at] === '"') {
      const span = stringSpan(text, at);
      if (span.isCut && !isCutAllowed) fail();
      visitor.string(span, verdict);
      at = span.end + (span.isCut ? 0 : 1);
      return;
    }
    const span = wordSpan(text, at, isCutAllowed);
    visitor.word(span, verdict);
    at = span.end;
  };
  /** After a value: closes what closes; true when another value is to be read. */
  const takeNext = (): boolean => {
    while (isObjectByDepth.length > 0) {
      if (isEnd()) return false;
      const isObject = isObjectByDepth.at(-1)!;
      const character = text[at];
      at += 1;
      if (character === ',') {
        verdict = 'keep';
        visitor.tracker?.item();
        return isObject ? takeKey() : true;
      }
      if (character !== (isObject ? '}' : ']')) fail();
      isObjectByDepth.pop();
      visitor.tracker?.leave();
    }
    at = skipSpace(text, at);
    if (at < text.length) fail();
    return false;
  };
  /** Enters an object or array; true when a value of it is to be read. */
  const enter = (): boolean => {
    const isObject = text[at] === '{';
    isObjectByDepth.push(isObject);
    visitor.tracker?.enter(isObject);
    at += 1;
    verdict = 'keep';
    if (isEnd()) return false;
    if (text[at] === (isObject ? '}' : ']')) {
      at += 1;
      isObjectByDepth.pop();
      visitor.tracker?.leave();
      return takeNext();
    }
    return isObject ? takeKey() : true;
  };
  for (let isMore = true; isMore;) {
    if (isEnd()) return;
    const start = at;
    if (text[at] !== '{' && text[at] !== '[') {
      takeScalar();
      isMore = takeNext();
      continue;
    }
    let skipped: Span | null = null;
    const find = (): Span => (skipped ??= containerSpan(text, start));
    if (!visitor.container(start, verdict, find)) {
      isMore = enter();
      continue;
    }
    if (find().isCut && !isCutAllowed) fail();
    at = find().end;
    isMore = takeNext();
  }
}
