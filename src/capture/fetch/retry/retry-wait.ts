import type { HeaderValues } from '../../../core/model/retry.ts';
import { toRetryDelayMs } from '../../../core/model/retry.ts';
import { parseJson, toFields, toFieldsList, toText } from '../formats/fields.ts';

/** A limit of a provider as its headers tell it. */
interface Limit {
  readonly remaining: number | null;
  readonly resetMs: number;
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const duration = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** `6m0s`, `1.5s`, `20ms` and the like in milliseconds; `null` when the text is none. */
function durationToMs(text: string): number | null {
  const pieces = [...text.matchAll(duration)];
  if (pieces.length === 0 || pieces.map(([piece]) => piece).join('') !== text) return null;
  return pieces.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs[unit!]!, 0);
}

/** From now until a reset: a duration, seconds, a Unix time in seconds or milliseconds, or a date. */
function resetToMs(text: string, nowMs: number): number | null {
  const trimmed = text.trim();
  const given = durationToMs(trimmed);
  if (given !== null) return given;
  const number = trimmed === '' ? Number.NaN : Number(trimmed);
  const atMs = Number.isFinite(number)
    ? number > 1e11
      ? number
      : number > 1e9
        ? number * 1000
        : null
    : Date.parse(trimmed);
  if (atMs === null) return number >= 0 ? number * 1000 : null;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

const resetName = /^(?:x-)?(?:anthropic-)?(?:ratelimit|rate-limit)[a-z]*(?:-.*)?-reset(?:-.*)?$|^ratelimit-reset$/;

/** The limits of all providers that name theirs: `<limit>-reset`, `…-reset-<limit>`, with `remaining` beside it. */
function limitsOf(headers: HeaderValues, nowMs: number): Limit[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    const resetMs = resetName.test(name) ? resetToMs(value, nowMs) : null;
    if (resetMs === null) return [];
    const remaining = Number.parseFloat(headers[name.replace('reset', 'remaining')] ?? '');
    return [{ remaining: Number.isNaN(remaining) ? null : remaining, resetMs }];
  });
}

/** Google says it in the body: a RetryInfo among the details of the error. */
function bodyToWaitMs(bodyStart: string): number | null {
  if (!bodyStart.includes('retryDelay')) return null;
  const parsed = parseJson(bodyStart);
  const error = toFields(toFields(Array.isArray(parsed) ? parsed[0] : parsed)?.['error']);
  for (const detail of toFieldsList(error?.['details'])) {
    const told = toText(detail['retryDelay']);
    if (told !== null) return durationToMs(told);
  }
  return null;
}

/**
 * How long a provider asked to wait before another try: by its retry-after headers or in its words. Where it refused a
 * request for its limits without a word, by those that it says are used up, the last of them to reset; where none is,
 * by the first to reset, for the request asked for more than was left. `null` when it said nothing.
 */
export function toRetryWaitMs(
  answer: { readonly status: number; readonly headers: HeaderValues },
  seen: { readonly bodyStart: string; readonly nowMs: number },
): number | null {
  const { status, headers } = answer;
  const told = toRetryDelayMs(headers, seen.nowMs) ?? bodyToWaitMs(seen.bodyStart);
  if (told !== null || status !== 429) return told;
  const limits = limitsOf(headers, seen.nowMs);
  const usedUp = limits.filter(({ remaining }) => remaining !== null && remaining <= 0);
  if (usedUp.length > 0) return Math.max(...usedUp.map(({ resetMs }) => resetMs));
  return limits.length === 0 ? null : Math.min(...limits.map(({ resetMs }) => resetMs));
}
