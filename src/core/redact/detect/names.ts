import type { Finding } from '../edit.ts';
import { judgeName } from '../keys.ts';
import { isRedacted, placeholderOpening } from '../placeholder.ts';
import type { Detect } from './sticky.ts';
import { matchEnd } from './sticky.ts';
import { isPasswordLike, isRandomLooking } from './value.ts';

/** What telling names hold; a name may end a little later. */
export const nameWords = ['sswor', 'sswd', 'ecret', 'key', 'oken', 'pwd', 'ssphrase', 'edential', 'uth'];

const ending = '(?:d|s|ds|ials?|ization)?(?:[_-]?(?:base|prod|production|live|test|dev|staging|value|v?\\d{1,2}))?';
const assigned = new RegExp(`(?:${nameWords.join('|')})${ending}(["'\`\\\\]{0,8}\\s{0,16}(?::=|=>|[:=]))`, 'iy');
const spoken = new RegExp(`(?:${nameWords.join('|')})${ending}\\s{1,4}(?:is|was)\\s{0,4}:?\\s{1,4}`, 'iy');
const flagged = new RegExp(`(?:${nameWords.join('|')})${ending}(?:["'\`\\\\]{1,5}\\s{0,8},\\s{0,8}|[ \\t]{1,4})`, 'iy');
const paired = new RegExp(
  `(?:${nameWords.join('|')})${ending}["'\\\\]{1,5}\\s{0,8},?\\s{0,8}["'\\\\]{0,5}value["'\\\\]{0,5}\\s{0,8}[:=]`,
  'iy',
);
const element = new RegExp(
  `(?:${nameWords.join('|')})${ending}(?:\\s[^<>]{0,200})?>\\s{0,8}(?:<!\\[CDATA\\[)?([^<\\s][^<\\]]*)(?:<\\/|\\]\\]>)`,
  'iy',
);
/** Enough of a value to judge it; the whole of it is taken only when it goes. */
const valueAfter = /[=>]{0,2}[ \t]{0,3}(\\{0,4}["'`])?([^\s"'`\\,;&<>(){}[\]|]{1,128})/y;
const schemeBefore = /[ \t]{0,3}\\{0,4}["'`]?(?:token|key|apikey|bot|splunk|negotiate|genie-?key)[ \t]{1,3}(?=\S{8})/iy;
const restOfRun = /[^\s"'`\\,;&<>(){}[\]|]*/y;
const restByQuote: Readonly<Record<string, RegExp>> = {
  '"': /[^"\\\r\n]*(?=\\*")/y,
  "'": /[^'\\\r\n]*(?=\\*')/y,
  '`': /[^`\\\r\n]*(?=\\*`)/y,
};
const dottedName = /^[A-Za-z_$]{2}[\w$]*(?:[?!]?\.[A-Za-z_$][\w$]*)+$/;
const typeName = /^[A-Z][a-z]+\d*(?:[A-Z][a-z]+)+$/;
const emptyWord = /^(?:true|false|null|none|undefined|string|number|boolean|required|optional)$/i;
const version = /^[~^v]?\d+\.\d+\.\d+/;
const passwordWord = /^(?:ss|pwd|ecret)/i;

interface Value {
  readonly start: number;
  readonly known: string;
  readonly quote: string | undefined;
}

function valueAt(text: string, at: number): Value | null {
  valueAfter.lastIndex = at;
  const found = valueAfter.exec(text);
  if (found === null) return null;
  return { start: valueAfter.lastIndex - found[2]!.length, known: found[2]!, quote: found[1] };
}

/** The end of a value of which the beginning is known: its closing quote when it has one, else the end of the word. */
function valueEnd(text: string, at: number, quote: string | undefined): number {
  const quoted = quote === undefined ? -1 : matchEnd(restByQuote[quote.at(-1)!]!, text, at);
  const isWhole = quoted >= 0 && !text.slice(at, quoted).includes(placeholderOpening);
  return isWhole ? quoted : matchEnd(restOfRun, text, at);
}

/** What a telling word and its ending may take. */
const nameCharsMax = 32;
const nameCodes = new Uint8Array(128);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-')
  nameCodes[character.charCodeAt(0)] = 1;
const isNameCode = (code: number): boolean => code < 128 && nameCodes[code] === 1;

/** Where the run of name characters ends that holds a place, at most 32 characters on. */
function runEnd(text: string, at: number): number {
  let end = at;
  while (end - at < nameCharsMax && isNameCode(text.charCodeAt(end))) end += 1;
  return end;
}

/** Where the name begins that a telling word is part of, at most 48 characters back. Dashes of a flag belong to it. */
function nameStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < 48 && isNameCode(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

/** A place-holder of another kind, a variable, an address, a call: no value of its own. */
function isReference(text: string, { start, known, quote }: Value): boolean {
  if (/^[$%*<]/.test(known) || known.includes('://') || emptyWord.test(known) || version.test(known)) return true;
  if (quote !== undefined) return false;
  return dottedName.test(known) || typeName.test(known) || '([{'.includes(text[start + known.length] ?? ' ');
}

/** A name and a value in quotes with a colon between is a piece of JSON: there the name alone decides. */
function isSecretValue(name: string, anchor: string, value: Value): boolean {
  const { known, quote } = value;
  const isQuoted = quote !== undefined;
  if (isQuoted && /["'`]:$/.test(anchor) && judgeName(name) === 'deny') return known.length > 3;
  if (!passwordWord.test(anchor)) return isRandomLooking(known) || isPair(known);
  const isAssigned = isQuoted || anchor.endsWith('=');
  if (known.length < (isAssigned ? 6 : 8) || dottedName.test(known)) return false;
  return isPasswordLike(known) || (isAssigned && /\d/.test(known));
}

/** Base64 of `name:password`. */
function isPair(value: string): boolean {
  if (!/^[A-Za-z0-9+/]{12,}={0,2}$/.test(value)) return false;
  return /^[\x20-\x7e]{1,128}:[\x20-\x7e]{1,}$/.test(Buffer.from(value.slice(0, 512), 'base64').toString('latin1'));
}

function toFinding(text: string, name: string, value: Value): Finding | null {
  const { start, known, quote } = value;
  const end = valueEnd(text, start + known.length, quote);
  const whole = text.slice(start, end);
  if (isRedacted(whole)) return null;
  const isAws = /^[A-Za-z0-9/+]{40}$/.test(whole) && /secret/i.test(name);
  return { start, end, kind: isAws ? 'aws-secret-key' : 'secret' };
}

const isTelling = (name: string): boolean => judgeName(name) !== 'keep';

/** `password=…`, `"api_key": …`, `TOKEN := …`; `end` is where the sign of assignment ends. */
function detectAssigned(text: string, { at, end, name }: { at: number; end: number; name: string }): Finding | null {
  const scheme = matchEnd(schemeBefore, text, end);
  const value = valueAt(text, Math.max(end, scheme));
  if (value === null || isReference(text, value)) return null;
  const anchor = text.slice(at, end);
  if (/^uthorization/i.test(anchor))
    return isPasswordLike(value.known) && value.known.length >= 8 ? toFinding(text, name, value) : null;
  if (!isTelling(name)) return null;
  return isSecretValue(name, anchor, value) ? toFinding(text, name, value) : null;
}

/** `<password>…</password>`: the name alone decides, as it does in JSON. */
function detectElement(text: string, at: number, name: string): Finding | null {
  element.lastIndex = at;
  const value = element.exec(text)?.[1];
  if (value === undefined) return null;
  const verdict = judgeName(name);
  const isGone =
    verdict === 'deny' || verdict === 'deny-text' || (verdict === 'telling' && isRandomLooking(value.trim()));
  if (!isGone || isRedacted(value) || /^[{$%]/.test(value)) return null;
  const end = text.indexOf(value, element.lastIndex - value.length - 3) + value.length;
  return { start: end - value.length, end: end - (value.length - value.trimEnd().length), kind: 'secret' };
}

/** What follows a name whose value stands beside it without a sign of assignment: a quote, or white space. */
const isBesideCode = (code: number): boolean =>
  code === 34 || code === 39 || code === 96 || code === 92 || code <= 32 || code === 160 || code > 5000;

/** `--password x`, `"--token", "x"`, `<add key="password" value="x">`, `my password is x`, `PASSWORD 'x'`. */
function detectBeside(text: string, { at, start, name }: { at: number; start: number; name: string }): Finding | null {
  if (!isTelling(name) || !isBesideCode(text.charCodeAt(runEnd(text, at)))) return null;
  const pairEnd = matchEnd(paired, text, at);
  const isFlag = name.startsWith('-');
  const flagEnd = pairEnd < 0 ? matchEnd(flagged, text, at) : -1;
  const speechEnd = pairEnd < 0 && !isFlag ? matchEnd(spoken, text, at) : -1;
  const from = Math.max(
    pairEnd,
    speechEnd,
    isFlag || text[flagEnd] === "'" || isLogin(text, start, name) ? flagEnd : -1,
  );
  const value = from < 0 ? null : valueAt(text, from);
  if (value === null || isReference(text, value) || value.known.startsWith('-')) return null;
  const isInList = pairEnd >= 0 || (name.startsWith('--') && /,\s*$/.test(text.slice(at, flagEnd)));
  const isPassword = passwordWord.test(text.slice(at, at + 5));
  const isGone = isInList
    ? value.quote !== undefined
    : isPassword
      ? value.known.length >= 6 && isPasswordLike(value.known)
      : isRandomLooking(value.known);
  return isGone ? toFinding(text, name, value) : null;
}

/** `machine h login u password p` */
const isLogin = (text: string, start: number, name: string): boolean =>
  name === 'password' && /\blogin\s+\S{1,80}\s+$/.test(text.slice(Math.max(0, start - 100), start));

/** The name that a telling word is part of, and where it begins. */
export function nameAround(text: string, at: number): { name: string; start: number } {
  const start = nameStart(text, at);
  return { start, name: text.slice(start, Math.min(at + 24, runEnd(text, at))) };
}

/**
 * The end of a stretch that begins at a place and in which no telling word has a value beside it, because the name it
 * stands in goes on for too long; the place itself where there is none. Asked again from that end on, one long name is
 * read once.
 */
export function longNameEnd(text: string, at: number): number {
  if (!isNameCode(text.charCodeAt(at + nameCharsMax - 1)) || runEnd(text, at) - at < nameCharsMax) return at;
  let end = at + nameCharsMax;
  while (end < text.length && isNameCode(text.charCodeAt(end))) end += 1;
  return end - nameCharsMax + 1;
}

/** Where white space ends, written as it is or as the escapes of a JSON string; at most 24 characters on. */
function spaceEnd(text: string, from: number): number {
  let at = from;
  while (at - from < 24) {
    const code = text.charCodeAt(at);
    if (code === 32 || (code >= 9 && code <= 13)) at += 1;
    else if (code === 92 && 'nrt'.includes(text[at + 1] ?? ' ')) at += 2;
    else break;
  }
  return at;
}

/** `=`, `:`, or a quote, which may be escaped. */
const isFollower = (code: number): boolean =>
  code === 61 || code === 58 || code === 34 || code === 39 || code === 96 || code === 92;

/**
 * True where a value may stand beside the name around a telling word, in a text that may be the inside of a JSON
 * string. Most words stand in plain sentences: this says so without a pattern.
 */
export function isNamePlace(text: string, at: number): boolean {
  const end = runEnd(text, at);
  if (end - at === nameCharsMax) return false;
  const next = spaceEnd(text, end);
  const code = text.charCodeAt(next);
  if (next === end ? isFollower(code) : code === 61 || code === 58 || code === 39) return true;
  const start = nameStart(text, at);
  if (text.charCodeAt(start) === 45 || text.charCodeAt(start - 1) === 60) return true;
  if (next > end && (code === 105 || code === 119)) return matchEnd(spoken, text, at) > 0;
  return next > end && end - start === 8 && isLogin(text, start, text.slice(start, end));
}

/** Looks at a telling word: a value beside it that is a secret, in any of the ways names and values stand together. */
export const detectNamed: Detect = (text, at) => {
  if (!isNamePlace(text, at)) return null;
  const { name, start } = nameAround(text, at);
  if (text[start - 1] === '<') return detectElement(text, at, name);
  const end = matchEnd(assigned, text, at);
  const found = end < 0 ? null : detectAssigned(text, { at, end, name });
  return found ?? detectBeside(text, { at, start, name });
};
