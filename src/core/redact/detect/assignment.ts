import type { Finding } from '../edit.ts';
import { isRedacted, placeholderOpening } from '../placeholder.ts';
import { nameAnchor } from './anchor.ts';

const valueAfter = /[=>]{0,2}[ \t]{0,3}(\\{0,4}["'`])?([^\s"'`\\,;&<>(){}[\]|]{6,512})/y;
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

function isSecretValue(anchor: string, value: string, isQuoted: boolean): boolean {
  if (value.startsWith('$') || value.startsWith('%') || value.includes('://')) return false;
  if (!isQuoted && dottedName.test(value) && !/\d/.test(value)) return false;
  if (!passwordLike.test(anchor)) return isRandomLooking(value);
  const isAssigned = isQuoted || anchor.endsWith('=');
  if (value.length < (isAssigned ? 6 : 8)) return false;
  const hasDigit = /\d/.test(value);
  return (hasDigit && (isAssigned || /[A-Za-z]/.test(value))) || (/[!@#$%^*+~?]/.test(value) && /[A-Za-z]/.test(value));
}

function nameBefore(text: string, at: number): string {
  return text.slice(Math.max(0, at - 40), at);
}

/** Values of high entropy that stand beside a telling name. */
export function assignmentFindings(text: string, findings: Finding[]): void {
  nameAnchor.lastIndex = 0;
  for (let match = nameAnchor.exec(text); match !== null; match = nameAnchor.exec(text)) {
    const after = nameAnchor.lastIndex;
    valueAfter.lastIndex = after;
    const found = valueAfter.exec(text);
    const value = found?.[2];
    if (value === undefined || !isSecretValue(match[0], value, found?.[1] !== undefined)) continue;
    if (value.includes(placeholderOpening) || isRedacted(value)) continue;
    const isAws = /^[A-Za-z0-9/+]{40}$/.test(value) && /secret[a-z_-]*[^a-z]*$/i.test(nameBefore(text, match.index) + match[0].slice(0, 16));
    findings.push({ start: valueAfter.lastIndex - value.length, end: valueAfter.lastIndex, kind: isAws ? 'aws-secret-key' : 'secret' });
    nameAnchor.lastIndex = valueAfter.lastIndex;
  }
}
