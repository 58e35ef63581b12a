import type { Finding } from '../edit.ts';
import { keyOrUrlAnchor, markAnchor, schemeAnchor } from './anchor.ts';
import { urlFindings } from './url.ts';

/** Looks at one anchor; a finding, or `null` when the anchor is a look-alike. Reads forward only, and boundedly. */
type Detect = (text: string, at: number) => Finding | null;

const openaiKey = /sk-[A-Za-z0-9_-]{16,400}/y;
const anthropicKey = /sk-ant-[A-Za-z0-9_-]{12,400}/y;
const googleKey = /AIza[A-Za-z0-9_-]{35}/y;
const awsKeyId = /A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])/y;
const githubToken = /gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255}/y;
const slackToken = /xox[a-z]-[A-Za-z0-9-]{10,250}/y;
const stripeKey = /[rs]k_(?:live|test)_[A-Za-z0-9]{10,250}/y;
const jwt = /eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,3}/y;
const bearer = /\s{1,4}([A-Za-z0-9._~+/-]{8,}={0,2})/y;
const basic = /\s{1,4}([A-Za-z0-9+/_-]{6,}={0,2})/y;
/** `Cookie: a=b; c=d` as a header line or an argument of a command. */
const cookie = /["']?:[ \t]{0,2}([\w!#$%&*+.^|~-]{1,128}=[^\s;"'\\]{4,4096}(?:; ?[\w!#$%&*+.^|~-]{1,128}(?:=[^\s;"'\\]{0,4096})?)*)/y;
const pemBegin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
const pemEnd = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
/** What follows the beginning of a block that has no end: base64, however its line ends are written. */
const pemRest = /(?:(?:\\{1,4}[nr]|\s)*[A-Za-z0-9+/=]{16,})*(?:(?:\\{1,4}[nr]|\s)*[A-Za-z0-9+/=]{1,15}(?![A-Za-z0-9 ]))?/y;
const pemCharsMax = 65_536;

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code === 45;

/** True when no word runs into this place; the letters of `\n`, `%3D` and `\u0022` are no part of a word. */
export function isBoundary(text: string, at: number): boolean {
  if (at === 0 || !isWord(text.charCodeAt(at - 1))) return true;
  const before = text.slice(Math.max(0, at - 6), at);
  return /(?:\\[bfnrt]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})$/.test(before);
}

function detectSecretKey(text: string, at: number): Finding | null {
  let end = matchAt(anthropicKey, text, at);
  if (end > 0) return { start: at, end, kind: 'anthropic-key' };
  if (!isBoundary(text, at)) return null;
  end = matchAt(openaiKey, text, at);
  if (end < 0) return null;
  const value = text.slice(at + 3, end);
  const isKnown = /^(?:proj|svcacct|admin|or-v1|lf)-/.test(value);
  const isKey = isKnown || /[A-Za-z0-9]{20}/.test(value) || (/\d/.test(value) && /[A-Za-z0-9]{16}/.test(value));
  return isKey ? { start: at, end, kind: 'openai-key' } : null;
}

function detectJwt(text: string, at: number): Finding | null {
  if (!isBoundary(text, at)) return null;
  const end = matchAt(jwt, text, at);
  return end < 0 ? null : { start: at, end, kind: 'jwt' };
}

function detectPem(text: string, at: number): Finding | null {
  const bodyAt = matchAt(pemBegin, text, at);
  if (bodyAt < 0) return null;
  const window = text.slice(bodyAt, bodyAt + pemCharsMax);
  const next = window.indexOf('-----');
  const end = next < 0 ? -1 : matchAt(pemEnd, text, bodyAt + next);
  if (end > 0) return { start: at, end, kind: 'private-key' };
  const cut = matchAt(pemRest, text, bodyAt);
  return cut > bodyAt ? { start: at, end: cut, kind: 'private-key' } : null;
}

const whole =
  (pattern: RegExp, kind: string): Detect =>
  (text, at) => {
    const end = matchAt(pattern, text, at);
    return end < 0 ? null : { start: at, end, kind };
  };

const detectGoogle = whole(googleKey, 'google-key');
const detectAws = whole(awsKeyId, 'aws-key-id');
const detectGithub = whole(githubToken, 'github-token');
const detectSlack = whole(slackToken, 'slack-token');
const detectStripe = whole(stripeKey, 'stripe-key');

/** Some marks begin inside their credential: `[rs]k_live_` at its `k`, `github_pat_` at its `_`. */
function detectMarked(text: string, at: number, anchor: string): Finding | null {
  switch (anchor[0]) {
    case 'k':
      return detectStripe(text, at - 1);
    case 'A':
      return anchor === 'AIza' ? detectGoogle(text, at) : detectAws(text, at);
    case 'g':
      return detectGithub(text, at);
    case '_':
      return detectGithub(text, at - 6);
    case 'x':
      return detectSlack(text, at);
    case 'e':
      return detectJwt(text, at);
    default:
      return detectPem(text, at);
  }
}

function detectBearer(text: string, at: number): Finding | null {
  bearer.lastIndex = at + 6;
  const value = bearer.exec(text)?.[1];
  if (value === undefined) return null;
  const isCredential = (/\d/.test(value) && /[A-Za-z]/.test(value)) || value.length >= 24 || /[a-z][A-Z]/.test(value);
  return isCredential ? { start: bearer.lastIndex - value.length, end: bearer.lastIndex, kind: 'bearer' } : null;
}

function detectBasic(text: string, at: number): Finding | null {
  basic.lastIndex = at + 5;
  const value = basic.exec(text)?.[1];
  if (value === undefined) return null;
  const isPair = /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(value.slice(0, 4096), 'base64').toString('latin1'));
  return isPair ? { start: basic.lastIndex - value.length, end: basic.lastIndex, kind: 'basic' } : null;
}

/** Credentials with a mark of their own, and private-key blocks. */
export function markedFindings(text: string, findings: Finding[]): void {
  markAnchor.lastIndex = 0;
  for (let match = markAnchor.exec(text); match !== null; match = markAnchor.exec(text)) {
    const finding = detectMarked(text, match.index, match[0]);
    if (finding === null) continue;
    findings.push(finding);
    markAnchor.lastIndex = finding.end;
  }
}

/** Keys that begin with `sk-`, and what URLs carry. */
export function keyAndUrlFindings(text: string, findings: Finding[]): void {
  const read = { to: 0, findings };
  keyOrUrlAnchor.lastIndex = 0;
  for (let match = keyOrUrlAnchor.exec(text); match !== null; match = keyOrUrlAnchor.exec(text)) {
    if (match[0] === '://') {
      urlFindings(text, match.index, read);
      continue;
    }
    const finding = detectSecretKey(text, match.index);
    if (finding === null) continue;
    findings.push(finding);
    keyOrUrlAnchor.lastIndex = finding.end;
  }
}

function detectCookie(text: string, at: number): Finding | null {
  cookie.lastIndex = at + 6;
  const value = cookie.exec(text)?.[1];
  return value === undefined ? null : { start: cookie.lastIndex - value.length, end: cookie.lastIndex, kind: 'cookie' };
}

function detectAfterScheme(text: string, at: number, anchor: string): Finding | null {
  if (anchor.length === 7) return detectBearer(text, at);
  return anchor.endsWith('e') || anchor.endsWith('E') ? detectCookie(text, at) : detectBasic(text, at);
}

/** Credentials behind `Bearer` and `Basic`, and cookies of headers quoted in text. */
export function schemeFindings(text: string, findings: Finding[]): void {
  schemeAnchor.lastIndex = 0;
  for (let match = schemeAnchor.exec(text); match !== null; match = schemeAnchor.exec(text)) {
    const finding = detectAfterScheme(text, match.index, match[0]);
    if (finding === null) continue;
    findings.push(finding);
    schemeAnchor.lastIndex = finding.end;
  }
}
