import type { Marks } from './placeholder.ts';
import { isRedacted } from './placeholder.ts';
import { markWhole } from './detect/text.ts';

const deniedNames = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key', 'api-key', 'x-auth-key']);
const deniedParts = /api[-_]?key|token|secret|bearer|authorization|password|credential|cookie|subscription-key|functions-key/;
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

/** Redacts headers one by one: denied ones lose their values, the values of the others go through `text`. */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  tools: { isDenied: HeaderJudge; marks: Marks; text: (value: string) => string },
): Record<string, string> {
  const { isDenied, marks, text } = tools;
  const out: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    const isKept = !isDenied(name, value) || value === '' || isRedacted(value);
    out.push([name, isKept ? text(value) : markWhole(value, 'header', marks)]);
  }
  return Object.fromEntries(out);
}
