import { isRedacted } from './placeholder.ts';
import type { Scanner } from './scanner.ts';

const deniedNames = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'api-key',
  'x-auth-key',
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

/** Redacts headers one by one: denied ones lose their values, the values of the others are scanned as text. */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  tools: { isDenied: HeaderJudge; scanner: Scanner },
): Record<string, string> {
  const { isDenied, scanner } = tools;
  const redact = (name: string, value: string): string =>
    isDenied(name, value) && value !== '' && !isRedacted(value) ? scanner.whole(value, 'header') : scanner.text(value);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, redact(name, value)]));
}
