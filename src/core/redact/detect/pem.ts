import type { Finding } from '../edit.ts';
import { matchEnd } from './sticky.ts';

const begin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
/** What follows the beginning of a block that has no end: header lines and base64, however the line ends are written. */
const cutHeaders = /(?:(?:\\{1,4}[nr]|\s){0,8}[A-Za-z][A-Za-z-]{0,30}: [^\r\n\\]{0,120}){1,6}/y;
const cutBody =
  /(?:(?:\\{1,4}[nr]|\s){0,8}[A-Za-z0-9+/=]{16,})+(?:(?:\\{1,4}[nr]|\s){1,8}[A-Za-z0-9+/=]{1,15}(?![A-Za-z0-9 ]))?/y;
const blockCharsMax = 65_536;

/** A private-key block, whole or cut off. */
export function detectPem(text: string, at: number): Finding | null {
  const bodyAt = matchEnd(begin, text, at);
  if (bodyAt < 0) return null;
  const dashes = text.slice(bodyAt, bodyAt + blockCharsMax).indexOf('-----');
  const blockEnd = dashes < 0 ? -1 : matchEnd(end, text, bodyAt + dashes);
  if (blockEnd > 0) return { start: at, end: blockEnd, kind: 'private-key' };
  const cutEnd = matchEnd(cutBody, text, Math.max(bodyAt, matchEnd(cutHeaders, text, bodyAt)));
  return cutEnd < 0 ? null : { start: at, end: cutEnd, kind: 'private-key' };
}
