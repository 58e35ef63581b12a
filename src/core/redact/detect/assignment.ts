import type { Finding } from '../edit.ts';
import { isRedacted, placeholderOpening } from '../placeholder.ts';
import { nameAnchor } from './anchor.ts';
import { findEach, matchEnd } from './sticky.ts';

/** Enough of a value to judge it; the whole of it is taken only when it goes. */
const valueAfter = /[=>]{0,2}[ \t]{0,3}(\\{0,4}["'`])?([^\s"'`\\,;&<>(){}[\]|]{6,128})/y;
const restOfRun = /[^\s"'`\\,;&<>(){}[\]|]*/y;
const restByQuote: Readonly<Record<string, RegExp>> = {
  '"': /[^"\\\r\n]*(?=\\*")/y,
  "'": /[^'\\\r\n]*(?=\\*')/y,
  '`': /[^`\\\r\n]*(?=\\*`)/y,
};
const passwordLike = /^(?:sswor?d|cret)/i;
const dottedName = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/;

/** Shannon entropy of a text in bits per character; only its first 256 characters count. */
export function entropyOf(text: string): number {
  const length = Math.min(text.length, 256);
  const countByCode = new Map<number, number>();
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    countByCode.set(code, (countByCode.get(code) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of countByCode.values()) bits -= (count / length) * Math.log2(count / length);
  return bits;
}

/** True for a value that looks made by a machine: long, mixed and of high entropy, without being a plain word list. */
export function isRandomLooking(value: string): boolean {
  if (value.length < 16 || /\s/.test(value)) return false;
  const isMixed = /[A-Za-z]/.test(value) && (/\d/.test(value) || (value.length >= 20 && /[a-z][A-Z]/.test(value)));
  return isMixed && entropyOf(value) >= 3;
}

/** A name and a value in quotes with a colon between is a piece of JSON: there the name alone decides. */
function isSecretValue(anchor: string, value: string, isQuoted: boolean): boolean {
  if (value.startsWith('$') || value.startsWith('%') || value.includes('://')) return false;
  if (!isQuoted && dottedName.test(value) && !/\d/.test(value)) return false;
  if (!passwordLike.test(anchor)) return isRandomLooking(value);
  if (isQuoted && /["'`]\s*:$/.test(anchor)) return true;
  const isAssigned = isQuoted || anchor.endsWith('=');
  if (value.length < (isAssigned ? 6 : 8)) return false;
  const hasDigit = /\d/.test(value);
  return (hasDigit && (isAssigned || /[A-Za-z]/.test(value))) || (/[!@#$%^*+~?]/.test(value) && /[A-Za-z]/.test(value));
}

function nameBefore(text: string, at: number): string {
  return text.slice(Math.max(0, at - 40), at);
}

/** The end of a value of which the beginning is known: its closing quote when it has one, else the end of the word. */
function valueEnd(text: string, at: number, quote: string | undefined): number {
  const quoted = quote === undefined ? -1 : matchEnd(restByQuote[quote.at(-1)!]!, text, at);
  const isWhole = quoted >= 0 && !text.slice(at, quoted).includes(placeholderOpening);
  return isWhole ? quoted : matchEnd(restOfRun, text, at);
}

/** Values of high entropy that stand beside a telling name. */
export function assignmentFindings(text: string, findings: Finding[]): void {
  const detect = (at: number, anchor: string): Finding | null => {
    valueAfter.lastIndex = at + anchor.length;
    const found = valueAfter.exec(text);
    const known = found?.[2];
    if (known === undefined || !isSecretValue(anchor, known, found![1] !== undefined)) return null;
    const start = valueAfter.lastIndex - known.length;
    const end = valueEnd(text, start + known.length, found![1]);
    const value = text.slice(start, end);
    if (isRedacted(value)) return null;
    const isAws =
      /^[A-Za-z0-9/+]{40}$/.test(value) && /secret[a-z_-]*[^a-z]*$/i.test(nameBefore(text, at) + anchor.slice(0, 16));
    return { start, end, kind: isAws ? 'aws-secret-key' : 'secret' };
  };
  findEach(text, nameAnchor, detect, findings);
}
