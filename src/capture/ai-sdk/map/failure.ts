import type { RetryClass } from '../../../core/model/attempt.ts';
import type { HeaderValues } from '../../../core/model/retry.ts';
import { statusToRetryClass } from '../../../core/model/retry.ts';
import { isAbort } from '../../../core/record/failure.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';

/** Header values by lower-case name; `undefined` when there are none. */
export function toHeaders(value: unknown): HeaderValues | undefined {
  const fields = toFields(value);
  if (fields === null) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(fields)) if (typeof text === 'string') headers[name.toLowerCase()] = text;
  return headers;
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
  return statusToRetryClass(status, fields['isRetryable'] === true);
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
