import type { Finding } from '../edit.ts';
import { keyOrUrlAnchor, markAnchor } from './anchor.ts';
import { detectPem } from './pem.ts';
import { detectWhole, findEach, isBoundary, matchEnd } from './sticky.ts';
import { urlFindings } from './url.ts';

/*
 * No pattern here has an upper bound on the credential: a bound would leave the tail of a longer one in the text. Each
 * stays linear because it fails within its lower bound or matches, and the search goes on behind the match.
 */
const secretKey = /sk-[A-Za-z0-9_-]{16,}/y;
const anthropicKey = /sk-ant-[A-Za-z0-9_-]{12,}/y;
const jwt = /eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,3}/y;

const detectGoogle = detectWhole(/AIza[A-Za-z0-9_-]{35,}/y, 'google-key');
const detectAws = detectWhole(/A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])/y, 'aws-key-id');
const detectGithub = detectWhole(/gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}/y, 'github-token');
const detectSlack = detectWhole(/xox[a-z]-[A-Za-z0-9-]{10,}/y, 'slack-token');
const detectStripe = detectWhole(/[rs]k_(?:live|test)_[A-Za-z0-9]{10,}/y, 'stripe-key');

/** `sk-` also ends words and begins names: the rest must look like a key, not like words between dashes. */
function detectSecretKey(text: string, at: number): Finding | null {
  const anthropicEnd = matchEnd(anthropicKey, text, at);
  if (anthropicEnd > 0) return { start: at, end: anthropicEnd, kind: 'anthropic-key' };
  if (!isBoundary(text, at)) return null;
  const end = matchEnd(secretKey, text, at);
  if (end < 0) return null;
  const value = text.slice(at + 3, end);
  const isKnown = /^(?:proj|svcacct|admin|or-v1|lf)-/.test(value);
  const isKey = isKnown || /[A-Za-z0-9]{20}/.test(value) || (/\d/.test(value) && /[A-Za-z0-9]{16}/.test(value));
  return isKey ? { start: at, end, kind: 'openai-key' } : null;
}

function detectJwt(text: string, at: number): Finding | null {
  if (!isBoundary(text, at)) return null;
  const end = matchEnd(jwt, text, at);
  return end < 0 ? null : { start: at, end, kind: 'jwt' };
}

/** Some marks begin inside their credential: `[rs]k_live_` at its `k`, `github_pat_` at its `_`. */
function detectMarked(text: string, at: number, mark: string): Finding | null {
  switch (mark[0]) {
    case 'k':
      return detectStripe(text, at - 1);
    case 'A':
      return mark === 'AIza' ? detectGoogle(text, at) : detectAws(text, at);
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

/** Credentials with a mark of their own, and private-key blocks. */
export function markedFindings(text: string, findings: Finding[]): void {
  findEach(text, markAnchor, (at, mark) => detectMarked(text, at, mark), findings);
}

/** Keys that begin with `sk-`, and what URLs carry. */
export function keyAndUrlFindings(text: string, findings: Finding[]): void {
  const read = { to: 0, findings };
  const detect = (at: number, mark: string): Finding | null => {
    if (mark === 'sk-') return detectSecretKey(text, at);
    urlFindings(text, at, read);
    return null;
  };
  findEach(text, keyOrUrlAnchor, detect, findings);
}
