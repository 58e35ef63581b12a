import type { Finding } from '../edit.ts';
import type { Detect } from './sticky.ts';

const bearer = /bearer\s{1,4}([A-Za-z0-9._~+/-]{8,}={0,2})/iy;
const basic = /basic\s{1,4}([A-Za-z0-9+/_-]{6,}={0,2})/iy;
/** `Cookie: a=b; c=d` as a header line or as an argument of a command. */
const cookie =
  /cookie["']?:[ \t]{0,2}([\w!#$%&*+.^|~-]{1,128}=[^\s;"'\\]{4,4096}(?:; ?[\w!#$%&*+.^|~-]{1,128}(?:=[^\s;"'\\]{0,4096})?)*)/iy;

function valueOf(pattern: RegExp, text: string, at: number): { value: string; start: number; end: number } | null {
  pattern.lastIndex = at;
  const value = pattern.exec(text)?.[1];
  return value === undefined ? null : { value, start: pattern.lastIndex - value.length, end: pattern.lastIndex };
}

function detectBearer(text: string, at: number): Finding | null {
  const found = valueOf(bearer, text, at);
  if (found === null) return null;
  const { value, start, end } = found;
  const isCredential = (/\d/.test(value) && /[A-Za-z]/.test(value)) || value.length >= 40 || /[a-z][A-Z]/.test(value);
  return isCredential ? { start, end, kind: 'bearer' } : null;
}

/** Base64 of `name:password`; what decodes to anything else is a word. */
function detectBasic(text: string, at: number): Finding | null {
  const found = valueOf(basic, text, at);
  if (found === null) return null;
  const pair = Buffer.from(found.value.slice(0, 4096), 'base64').toString('latin1');
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(pair) ? { start: found.start, end: found.end, kind: 'basic' } : null;
}

function detectCookie(text: string, at: number): Finding | null {
  const found = valueOf(cookie, text, at);
  return found === null ? null : { start: found.start, end: found.end, kind: 'cookie' };
}

/** `-u name:password`, also where the line is a string of JSON. A variable is no password. */
const userPair = /(?:-u|--user|--proxy-user)(?:=|\s{0,4})\\{0,4}["']?[^\s:/"'\\]{0,64}:((?![$<{*/[])[^\s"'`\\]{3,})/iy;
/** What takes such a pair; `docker -u 1:1` names an owner. */
const clients = ['curl', 'wget', 'http ', 'https '];
const commandChars = 512;

function detectUser(text: string, at: number): Finding | null {
  const found = valueOf(userPair, text, at);
  if (found === null) return null;
  const { start, end } = found;
  const from = Math.max(0, at - commandChars);
  const line = text.slice(Math.max(from, text.lastIndexOf(';', at)), at).toLowerCase();
  return clients.some((client) => line.includes(client)) ? { start, end, kind: 'password' } : null;
}

/** Words before a credential, and what looks behind them: authentication schemes, and cookies of quoted headers. */
export const schemeDetectors: readonly { readonly word: string; readonly detect: Detect }[] = [
  { word: 'bearer', detect: detectBearer },
  { word: 'basic', detect: detectBasic },
  { word: 'cookie', detect: detectCookie },
  { word: '-u ', detect: detectUser },
  { word: '-u"', detect: detectUser },
  { word: "-u'", detect: detectUser },
  { word: '--user', detect: detectUser },
  { word: '--proxy-user', detect: detectUser },
];
