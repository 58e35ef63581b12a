import type { RetryClass } from '../../core/model/attempt.ts';
import { isAbort } from '../../core/record/failure.ts';

/** Header values by lower-case name. */
export type Headers = Readonly<Record<string, string>>;

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

/** The provider's own id of a round trip, for its support desk. */
export function toRequestId(headers: Headers): string | null {
  for (const name of requestIdNames) if (headers[name] !== undefined) return headers[name];
  return null;
}

/** How long the provider asked to wait: `retry-after-ms`, else `retry-after` in seconds or as a date; `null` if it did not. */
export function toRetryDelayMs(headers: Headers, nowMs: number): number | null {
  const precise = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (Number.isFinite(precise) && precise >= 0) return precise;
  const after = headers['retry-after']?.trim();
  if (after === undefined || after === '') return null;
  const seconds = Number(after);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : null;
  const untilMs = Date.parse(after);
  return Number.isNaN(untilMs) ? null : Math.max(0, untilMs - nowMs);
}

/** Why a status is worth another try; `null` when it is not. */
export function statusToRetryClass(status: number, headers: Headers = {}): RetryClass | null {
  if (status < 400) return null;
  if (status === 429) return 'rate-limit';
  if (status === 529 || status === 503) return 'overloaded';
  if (status === 408 || status === 504) return 'timeout';
  if (status >= 500) return 'server';
  return headers['x-should-retry'] === 'true' || status === 409 || status === 425 ? 'other' : null;
}

const timeoutCodes = /^(?:ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT)$/;
const networkCodes =
  /^(?:E(?:CONN\w+|PIPE|NOTFOUND|AI_AGAIN|HOST\w+|NET\w+|PROTO|ADDR\w+)|UND_ERR_(?:SOCKET|CLOSED|DESTROYED|RESPONSE\w*|INFO|HEADERS_OVERFLOW)|ERR_(?:HTTP2|SSL|TLS)\w*|CERT_\w+|HPE_\w+|DEPTH_ZERO\w*|SELF_SIGNED\w*|UNABLE_TO\w+)$/;

const causesMax = 8;

/** Why a thrown error is worth another try: an abort by the caller is not. Looks through the chain of causes. */
export function errorToRetryClass(thrown: unknown): RetryClass | null {
  let error = thrown;
  let found: RetryClass | null = null;
  for (let depth = 0; depth < causesMax && typeof error === 'object' && error !== null; depth += 1) {
    const { name, code, message, cause } = error as {
      name?: unknown;
      code?: unknown;
      message?: unknown;
      cause?: unknown;
    };
    if (name === 'TimeoutError' || timeoutCodes.test(String(code))) return 'timeout';
    if (networkCodes.test(String(code)) || message === 'fetch failed' || message === 'terminated') found = 'network';
    error = cause;
  }
  if (found !== null) return found;
  return isAbort(thrown) ? null : 'other';
}
