import type { Edit, Finding } from '../edit.ts';
import { isSensitiveParameter } from '../keys.ts';
import type { Mark } from '../placeholder.ts';
import { isRedacted } from '../placeholder.ts';

const urlRest = /[^\s"'`<>\\]*/y;
const authorityPart = /[^/?#\s"'`<>\\]*/y;
const parameter = /[?&#;]([^=&#?;]{1,128})=([^&#;]*)/g;
const schemeCharsMax = 20;

const isSchemeCode = (code: number): boolean =>
  (code >= 97 && code <= 122) ||
  (code >= 65 && code <= 90) ||
  (code >= 48 && code <= 57) ||
  code === 43 ||
  code === 45 ||
  code === 46;

function schemeBefore(text: string, at: number): string {
  let start = at;
  while (start > 0 && at - start < schemeCharsMax && isSchemeCode(text.charCodeAt(start - 1))) start -= 1;
  return start === at ? '' : text.slice(start, at).toLowerCase();
}

function restFrom(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)![0];
}

/** Punctuation that closes a sentence or a bracket around a URL is no part of it. */
function dropClosing(url: string): string {
  let end = url.length;
  while (end > 0 && ').,;:!}'.includes(url[end - 1]!)) end -= 1;
  return end === url.length ? url : url.slice(0, end);
}

/** `${token}`, `{{token}}`, `<token>`, `****`: the place of a value. */
const isVariable = (value: string): boolean => /^(?:\$\{|\$[A-Z_]+$|\{\{|<|\*+$)/.test(value);

/** Query and fragment parameters of a URL whose values must not be kept; offsets count from `base`. */
export function parameterFindings(url: string, base: number, findings: Finding[]): void {
  parameter.lastIndex = 0;
  for (let match = parameter.exec(url); match !== null; match = parameter.exec(url)) {
    const value = match[2]!;
    if (value === '' || isVariable(value) || !isSensitiveParameter(match[1]!) || isRedacted(value)) continue;
    const end = base + match.index + match[0].length;
    findings.push({ start: end - value.length, end, kind: 'url-parameter' });
  }
  parameter.lastIndex = 0;
}

function userFinding(text: string, at: number): Finding | null {
  const authority = restFrom(authorityPart, text, at + 3);
  const infoLength = authority.lastIndexOf('@');
  if (infoLength <= 0) return null;
  const end = at + 3 + infoLength;
  if (/(?:^|\+)(?:https?|wss?|ftp)$/.test(schemeBefore(text, at)))
    return { start: at + 3, end: end + 1, kind: 'url-user', isDropped: true };
  const colon = authority.indexOf(':');
  if (colon < 0 || colon >= infoLength - 1) return null;
  const password = authority.slice(colon + 1, infoLength);
  if (isRedacted(password) || isVariable(password)) return null;
  return { start: at + 3 + colon + 1, end, kind: 'password' };
}

/**
 * Looks at one URL inside text, given the place of its `://`: user info of web URLs is dropped, the password of other
 * schemes replaced, sensitive parameters replaced. `read.to` is where the last URL ended: a URL inside a URL is not
 * read twice.
 */
export function urlFindings(text: string, at: number, read: { to: number; findings: Finding[] }): void {
  const user = userFinding(text, at);
  if (user !== null) read.findings.push(user);
  if (at < read.to) return;
  const rest = restFrom(urlRest, text, at + 3);
  parameterFindings(dropClosing(rest), at + 3, read.findings);
  read.to = at + 3 + rest.length;
}

/**
 * The edits of a text that is one URL or path: user info of every scheme is dropped, sensitive parameters lose their
 * values. Whatever else it holds is left to the scan of text.
 */
export function wholeUrlEdits(url: string, mark: Mark): Edit[] {
  const findings: Finding[] = [];
  parameterFindings(url, 0, findings);
  const edits = findings.map(({ start, end, kind }) => ({
    start,
    end,
    kind,
    replacement: mark(kind, url.slice(start, end)),
  }));
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*@/.exec(url)?.[0];
  if (authority === undefined) return edits;
  return [{ start: url.indexOf('://') + 3, end: authority.length, kind: 'url-user', replacement: '' }, ...edits];
}
