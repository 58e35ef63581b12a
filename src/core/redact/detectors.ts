import type { Finding } from './edit.ts';
import { fixedAnchor, schemeAnchor } from './prefilter.ts';
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

const fixed =
  (pattern: RegExp, kind: string): Detect =>
  (text, at) => {
    const end = matchAt(pattern, text, at);
    return end < 0 ? null : { start: at, end, kind };
  };

const detectGoogle = fixed(googleKey, 'google-key');
const detectAws = fixed(awsKeyId, 'aws-key-id');
const detectGithub = fixed(githubToken, 'github-token');
const detectSlack = fixed(slackToken, 'slack-token');
const detectStripe = fixed(stripeKey, 'stripe-key');

function detectFixed(text: string, at: number, anchor: string): Finding | null {
  switch (anchor[0]) {
    case 's':
    case 'r':
      return anchor === 'sk-' ? detectSecretKey(text, at) : detectStripe(text, at);
    case 'A':
      return anchor === 'AIza' ? detectGoogle(text, at) : detectAws(text, at);
    case 'g':
      return detectGithub(text, at);
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

/** Credentials with a fixed beginning, private-key blocks and what URLs carry. */
export function fixedFindings(text: string, findings: Finding[]): void {
  fixedAnchor.lastIndex = 0;
  for (let match = fixedAnchor.exec(text); match !== null; match = fixedAnchor.exec(text)) {
    const anchor = match[0];
    const after = fixedAnchor.lastIndex;
    if (anchor === '://') {
      fixedAnchor.lastIndex = Math.max(after, urlFindings(text, match.index, findings));
      continue;
    }
    const finding = detectFixed(text, match.index, anchor);
    if (finding !== null) findings.push(finding);
    fixedAnchor.lastIndex = finding === null ? after : finding.end;
  }
}

/** Credentials behind `Bearer` and `Basic`. */
export function schemeFindings(text: string, findings: Finding[]): void {
  schemeAnchor.lastIndex = 0;
  for (let match = schemeAnchor.exec(text); match !== null; match = schemeAnchor.exec(text)) {
    const after = schemeAnchor.lastIndex;
    const finding = match[0].length === 7 ? detectBearer(text, match.index) : detectBasic(text, match.index);
    if (finding !== null) findings.push(finding);
    schemeAnchor.lastIndex = finding === null ? after : finding.end;
  }
}
