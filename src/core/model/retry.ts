import type { RetryClass } from './attempt.ts';

/** Header values by lower-case name. */
export type HeaderValues = Readonly<Record<string, string>>;

const requestIdNames = [
  'x-request-id',
  'request-id',
  'x-goog-request-id',
  'x-goog-correlation-id',
  'x-amzn-requestid',
  'apim-request-id',
  'x-ms-request-id',
  'cf-ray',
];

/** The provider's own id of a round trip, for its support desk; `null` when it gave none. */
export function toRequestId(headers: HeaderValues): string | null {
  for (const name of requestIdNames) if (headers[name] !== undefined) return headers[name];
  return null;
}

/** How long the provider asked to wait: `retry-after-ms`, else `retry-after` in seconds or as a date; `null` if it did not. */
export function toRetryDelayMs(headers: HeaderValues, nowMs: number): number | null {
  const precise = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (Number.isFinite(precise) && precise >= 0) return precise;
  const after = headers['retry-after']?.trim();
  if (after === undefined || after === '') return null;
  const seconds = Number(after);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const untilMs = Date.parse(after);
  return Number.isNaN(untilMs) ? null : Math.max(0, untilMs - nowMs);
}

/** Why a status is worth another try. `isOther`: one that says nothing of it is so all the same; else it is `null`. */
export function statusToRetryClass(status: number, isOther: boolean): RetryClass | null {
  if (status === 429) return 'rate-limit';
  if (status === 529 || status === 503) return 'overloaded';
  if (status === 408 || status === 504) return 'timeout';
  if (status >= 500) return 'server';
  return isOther ? 'other' : null;
}
