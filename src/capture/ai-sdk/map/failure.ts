import type { RetryClass } from '../../../core/model/attempt.ts';
import { isAbort } from '../../../core/record/failure.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';

/** Header values by lower-case name; `undefined` when there are none. */
export function toHeaders(value: unknown): Record<string, string> | undefined {
  const fields = toFields(value);
  if (fields === null) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(fields)) if (typeof text === 'string') headers[name.toLowerCase()] = text;
  return headers;
}

const requestIdNames = ['x-request-id', 'request-id', 'x-goog-request-id', 'x-amzn-requestid', 'apim-request-id'];

/** The provider's own id of a round trip, for its support desk. */
export function toRequestId(headers: Readonly<Record<string, string>> | undefined): string | null {
  if (headers === undefined) return null;
  for (const name of requestIdNames) if (headers[name] !== undefined) return headers[name];
  return null;
}

/** How long the provider asked to wait: `retry-after-ms`, else `retry-after` in seconds or as a date. */
export function toRetryDelayMs(headers: Readonly<Record<string, string>> | undefined, nowMs: number): number | null {
  const precise = Number.parseFloat(headers?.['retry-after-ms'] ?? '');
  if (Number.isFinite(precise) && precise >= 0) return precise;
  const after = headers?.['retry-after'];
  if (after === undefined) return null;
  const seconds = Number(after);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const untilMs = Date.parse(after);
  return Number.isNaN(untilMs) ? null : Math.max(0, untilMs - nowMs);
}

/** Why a failed call is worth another one; `null` when it is not, or was aborted. */
export function toRetryClass(error: unknown): RetryClass | null {
  const fields = toFields(error);
  if (fields === null) return null;
  if (fields['name'] === 'TimeoutError') return 'timeout';
  if (isAbort(error)) return null;
  const status = fields['statusCode'];
  if (typeof status !== 'number')
    return fields['isRetryable'] === true || typeof fields['code'] === 'string' ? 'network' : null;
  if (status === 429) return 'rate-limit';
  if (status === 529 || status === 503) return 'overloaded';
  if (status === 408 || status === 504) return 'timeout';
  if (status >= 500) return 'server';
  return fields['isRetryable'] === true ? 'other' : null;
}

/** The same failure without its words, for calls whose inputs or outputs are withheld. */
function withoutWords(error: Fields): Error {
  const kept = Object.assign(new Error('withheld'), {
    statusCode: error['statusCode'],
    code: error['code'],
    isRetryable: error['isRetryable'],
  });
  if (typeof error['name'] === 'string') kept.name = error['name'];
  return kept;
}

/**
 * The error to record for what the SDK threw. After retries it wraps the last failure; status and retryability are
 * those of the last one, the words those of the wrapper. An abort is told by its cause.
 */
export function toFailure(error: unknown, isWithheld: boolean): unknown {
  const fields = toFields(error);
  if (fields === null) return isWithheld ? new Error('withheld') : error;
  if (isWithheld) return withoutWords(toFields(fields['lastError']) ?? fields);
  const last = toFields(fields['lastError']);
  if (last === null) return error;
  const { statusCode, code, isRetryable } = last;
  const whole = new Error(error instanceof Error ? error.message : 'the last of several tries failed', {
    cause: fields['lastError'],
  });
  if (typeof fields['name'] === 'string') whole.name = fields['name'];
  return Object.assign(whole, { statusCode, code, isRetryable });
}
