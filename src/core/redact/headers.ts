import { isRedacted, toWithheld } from './placeholder.ts';
import type { Scanner } from './scanner.ts';

const deniedNames = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-auth-key',
  'x-tachograph-key',
]);
const deniedParts =
  /api[-_]?key|token|secret|bearer|authorization|password|credential|cookie|subscription-key|functions-key/;
/** Rate-limit and usage headers that count tokens, and flags: their values say nothing. */
const keptNames = [
  /^anthropic-(?:[a-z-]+-)?tokens-(?:limit|remaining|reset)$/,
  /^x-ratelimit-[a-z_-]*tokens[a-z_-]*$/,
  /^x-amzn-bedrock-[a-z-]*token-count$/,
  /^x-(?:goog-)?[a-z-]*tokens?-(?:count|limit|remaining|reset|used|usage)$/,
  /^access-control-allow-credentials$/,
];
/** Headers whose value is an address, relative ones included. */
const addressNames = /^(?::path|referrer|.*(?:location|referer|refresh|link|ur[il]))$/;
const nameCharsMax = 64;
const harmlessValue = /^[0-9A-Za-z.:+ ,;=-]{0,40}$/;

/** Says which headers lose their values. Case does not matter. */
export type HeaderJudge = (name: string, value: string) => boolean;

/** A judge with the built-in lists, `denied` added to them and `allowed` taken out. */
export function createHeaderJudge(denied: readonly string[], allowed: readonly string[]): HeaderJudge {
  const extra = new Set(denied.map((name) => name.toLowerCase()));
  const kept = new Set(allowed.map((name) => name.toLowerCase()));
  return (name, value) => {
    const lower = name.toLowerCase();
    if (kept.has(lower)) return false;
    if (extra.has(lower) || deniedNames.has(lower)) return true;
    if (!deniedParts.test(lower)) return false;
    return !(keptNames.some((pattern) => pattern.test(lower)) && harmlessValue.test(value));
  };
}

/** `</a>; rel="next", </b>` and `5; url=/a` hold addresses; every other value is one. */
function redactAddresses(value: string, scanner: Scanner): string {
  if (/^\s*</.test(value)) return value.replace(/<[^<>]{0,8192}>/g, (link) => `<${scanner.url(link.slice(1, -1))}>`);
  const delay = /^\s*\d{1,9}\s{0,8}[;,]\s{0,8}(?:url\s{0,8}=\s{0,8})?/i.exec(value)?.[0] ?? '';
  return delay + scanner.url(value.slice(delay.length));
}

/** Headers of which every value is withheld; a long name may hold anything and goes too. */
export function withholdHeaders(headers: Readonly<Record<string, string>>, reason: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.length > nameCharsMax ? toWithheld(reason, name) : name,
      toWithheld(reason, value),
    ]),
  );
}

/** Redacts headers one by one: denied ones lose their values, names and the values of the others are scanned. */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  tools: { isDenied: HeaderJudge; scanner: Scanner },
): Record<string, string> {
  const { isDenied, scanner } = tools;
  const redact = (name: string, value: string): string => {
    if (isDenied(name, value) && value !== '' && !isRedacted(value)) return scanner.whole(value, 'header');
    return scanner.text(addressNames.test(name.toLowerCase()) ? redactAddresses(value, scanner) : value);
  };
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [scanner.text(name), redact(name, value)]));
}
