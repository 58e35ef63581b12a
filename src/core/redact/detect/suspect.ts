import { nextEncoded } from './encoded.ts';
import { judgeName } from '../keys.ts';
import { isNamePlace, longNameEnd, nameAround } from './names.ts';
import { placeholderEnd } from '../placeholder.ts';
import type { Visit } from './prefilter.ts';
import { stop } from './prefilter.ts';
import type { Look } from './text.ts';
import { looks, prefilter } from './text.ts';
import { matchEnd } from './sticky.ts';
import { isUnseenIn, unseenPlaces, withoutUnseen } from './unseen.ts';

/*
 * JSON text is searched as it is written: only strings that hold a suspect place are decoded and looked at by the
 * detectors. A place is suspect when an anchor stands there in any spelling that decodes to one.
 */

/** What makes a place suspect: something a detector would look at, or the name of a key that is denied. */
type Suspicion = 'value' | 'key' | null;

const escapedPrintable = /\\u00[2-7]|\\u(?:00ad|20(?:0[b-f]|60)|feff)|\\x[2-7]|%[2-7]|&#[\dx]|&[a-z]/iy;
const flagInList = /"--?[a-z-]{1,16}\\{0,8}"\s{0,64},/iy;
/** An address up to its user or first value. */
const plainUrl = /[^\s"'`<>\\@=]*/y;
const behindScheme = /(?:[a-z]{5,6}["']?(?:[\s\\:]|$)|-u|--)/iy;

function holds(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

/** What follows `uth` in `authorization`, however it is parted. */
const authorization = 'oO_-. ';

/** For a search that asks for any suspicion: where to go on, or to stop. */
function visitFor(text: string, isEnough: (suspicion: Suspicion) => boolean): Visit {
  const passed: Passed = { longNameEnd: 0, plainUrlEnd: 0 };
  return (anchor, at) => {
    const look = looks[anchor]!;
    if (look.family === 'placeholder') return placeholderEnd(text, at);
    return isEnough(suspicionOf(look, text, { at, passed })) ? stop : 0;
  };
}

/** What a search has learned of what it passed: up to where names go on for too long, and an address holds nothing. */
interface Passed {
  longNameEnd: number;
  plainUrlEnd: number;
}

/** `passwordHash`, `authorizationUrl`: a word that denies the key it is part of although no value stands beside it. */
function mayDeny(literal: string, text: string, at: number): boolean {
  if (literal === 'key' || literal === 'oken' || literal === 'pwd') return false;
  return literal !== 'uth' || authorization.includes(text[at + 3] ?? '"');
}

function suspicionOfName(literal: string, text: string, place: { at: number; passed: Passed }): Suspicion {
  const { at, passed } = place;
  if (at >= passed.longNameEnd) passed.longNameEnd = longNameEnd(text, at);
  const isPlace = at >= passed.longNameEnd && isNamePlace(text, at);
  if (!isPlace && !mayDeny(literal, text, at)) return null;
  const verdict = judgeName(nameAround(text, at).name);
  if (verdict === 'keep') return null;
  return isPlace ? 'value' : verdict === 'deny' ? 'key' : null;
}

/** An address without user and without parameters holds nothing; what is escaped in it is an anchor of its own. */
function suspicionOfUrl(text: string, { at, passed }: { at: number; passed: Passed }): Suspicion {
  if (at < passed.plainUrlEnd) return null;
  const end = matchEnd(plainUrl, text, at);
  if (text[end] === '@' || text[end] === '=') return 'value';
  passed.plainUrlEnd = end;
  return null;
}

function suspicionOf(look: Look, text: string, place: { at: number; passed: Passed }): Suspicion {
  const { family, literal, detect } = look;
  const { at } = place;
  switch (family) {
    case 'marked':
      return detect!(text, at) === null ? null : 'value';
    case 'scheme':
      return holds(behindScheme, text, at) ? 'value' : null;
    case 'flag':
      return holds(flagInList, text, at) ? 'key' : null;
    case 'escape':
      return holds(escapedPrintable, text, at) ? 'value' : null;
    case 'named':
      return suspicionOfName(literal, text, place);
    case 'url':
      return suspicionOfUrl(text, place);
    case 'placeholder':
      return null;
  }
}

/** Suspect places of one text, asked for in ascending order. */
export interface SuspectCursor {
  /** True when a span holds a suspect place. */
  isIn(start: number, end: number): boolean;
}

function createCursor(places: readonly number[]): SuspectCursor {
  let next = 0;
  return {
    isIn(start, end) {
      while (next < places.length && places[next]! < start) next += 1;
      return next < places.length && places[next]! < end;
    },
  };
}

/** An escaped slash can stand inside a credential, so all strings that hold one are looked at. */
const escapedSlashes = /\\\//g;

/** Where parts of a message meet in JSON that is a string itself: a secret may be split over them. */
const nestedSeam = /\}(?:\s|\\+[nrt]){0,64},(?:\s|\\+[nrt]){0,64}\{(?:\s|\\+[nrt]){0,64}\\+"(?:type|text)\\+"/g;

const isNestedSeamIn = (text: string): boolean => text.includes('\\"text\\') && text.search(nestedSeam) >= 0;

function placesOf(text: string, pattern: RegExp | null): number[] {
  if (pattern === null) return [];
  pattern.lastIndex = 0;
  return Array.from(text.matchAll(pattern), (match) => match.index);
}

/** The closing quote of the string around a place, or the end of the text. */
function stringEnd(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at > 0 && text.charCodeAt(at - 1) === 92) at = text.indexOf('"', at + 1);
  return at < 0 ? text.length : at;
}

/** Where JSON text is suspect: `values` for the detectors, `keys` for names of denied keys. */
export interface Suspects {
  readonly values: readonly SuspectCursor[];
  readonly keys: readonly SuspectCursor[];
}

/** All suspect places of a JSON text; `extraKeys` finds the names of keys that a user denies. */
export function findSuspects(text: string, extraKeys: RegExp | null): Suspects {
  const values: number[] = [];
  const keys: number[] = [];
  const passed: Passed = { longNameEnd: 0, plainUrlEnd: 0 };
  prefilter.search(text, (anchor, at) => {
    if (looks[anchor]!.family === 'placeholder') return placeholderEnd(text, at);
    const suspicion = suspicionOf(looks[anchor]!, text, { at, passed });
    if (suspicion === 'key') keys.push(at);
    if (suspicion !== 'value') return 0;
    values.push(at);
    // One suspect place is enough to have its string looked at: what else stands in that string is passed over.
    return stringEnd(text, at);
  });
  const encoded: number[] = [];
  for (let span = nextEncoded(text, 0); span !== null; span = nextEncoded(text, span.end)) encoded.push(span.start);
  return {
    values: [
      values.sort((a, b) => a - b),
      encoded,
      placesOf(text, escapedSlashes),
      isUnseenIn(text) ? unseenPlaces(text) : [],
      isNestedSeamIn(text) ? placesOf(text, nestedSeam) : [],
    ].map(createCursor),
    keys: [keys.sort((a, b) => a - b), placesOf(text, extraKeys)].map(createCursor),
  };
}

/** True when plain text holds a suspect place; false means that no detector can find anything. */
export function hasAnchor(text: string): boolean {
  return (
    prefilter.search(
      text,
      visitFor(text, (suspicion) => suspicion === 'value'),
    ) ||
    nextEncoded(text, 0) !== null ||
    (isUnseenIn(text) && hasAnchor(withoutUnseen(text)))
  );
}

/** True when JSON text holds a suspect place; false means that there is nothing to redact. */
export function isSuspect(text: string, extraKeys: RegExp | null): boolean {
  if (
    prefilter.search(
      text,
      visitFor(text, (suspicion) => suspicion !== null),
    )
  )
    return true;
  if (nextEncoded(text, 0) !== null || text.includes('\\/') || isNestedSeamIn(text)) return true;
  if (isUnseenIn(text) && isSuspect(withoutUnseen(text), extraKeys)) return true;
  if (extraKeys === null) return false;
  extraKeys.lastIndex = 0;
  return extraKeys.test(text);
}
