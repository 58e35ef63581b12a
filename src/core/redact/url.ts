import type { Edit, Finding } from './edit.ts';
import { isSensitiveParameter } from './keys.ts';
import type { Marks } from './placeholder.ts';
import { isRedacted } from './placeholder.ts';

const schemeBefore = /[A-Za-z][A-Za-z0-9+.-]{0,19}$/;
const urlRest = /[^\s"'`<>\\]*/y;
const userInfo = /^([^/?#]*)@/;
const parameter = /[?&#;]([^=&#?;]{1,128})=([^&#;]*)/g;

/** Query and fragment parameters of a URL whose values must not be kept; offsets count from `base`. */
export function parameterFindings(url: string, base: number, findings: Finding[]): void {
  for (const match of url.matchAll(parameter)) {
    const value = match[2]!;
    if (value === '' || !isSensitiveParameter(match[1]!) || isRedacted(value)) continue;
    const start = base + match.index + match[0].length - value.length;
    findings.push({ start, end: start + value.length, kind: 'url-parameter' });
  }
}

/**
 * Looks at one URL inside text, given the place of its `://`: user info of web URLs is dropped, the password of other
 * schemes replaced, sensitive parameters replaced. Returns where to go on.
 */
export function urlFindings(text: string, at: number, findings: Finding[]): number {
  const scheme = schemeBefore.exec(text.slice(Math.max(0, at - 20), at))?.[0].toLowerCase();
  if (scheme === undefined) return at + 3;
  urlRest.lastIndex = at + 3;
  const rest = urlRest.exec(text)![0].replace(/[).,;:!}]+$/, '');
  const info = userInfo.exec(rest)?.[1];
  if (info !== undefined && info !== '') {
    const colon = info.indexOf(':');
    if (/^(?:https?|wss?|ftp)$/.test(scheme)) {
      findings.push({ start: at + 3, end: at + 3 + info.length + 1, kind: 'url-user', isDropped: true });
    } else if (colon >= 0 && colon < info.length - 1 && !isRedacted(info.slice(colon + 1))) {
      findings.push({ start: at + 3 + colon + 1, end: at + 3 + info.length, kind: 'password' });
    }
  }
  parameterFindings(rest, at + 3, findings);
  const authority = /^[^/?#]*/.exec(rest)![0].length;
  return at + 3 + authority;
}

/**
 * The edits of a text that is one URL or path: user info of every scheme is dropped, sensitive parameters lose their
 * values. Whatever else it holds is left to the scan of text.
 */
export function wholeUrlEdits(url: string, marks: Marks): Edit[] {
  const findings: Finding[] = [];
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)@/.exec(url);
  parameterFindings(url, 0, findings);
  const edits = findings.map(({ start, end, kind }) => ({ start, end, replacement: marks.mark(kind, url.slice(start, end)) }));
  if (authority === null) return edits;
  marks.count('url-user');
  const start = url.indexOf('://') + 3;
  return [{ start, end: authority[0].length, replacement: '' }, ...edits];
}
