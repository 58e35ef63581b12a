import type { RetryClass } from '../../../core/model/attempt.ts';
import type { HeaderValues } from '../../../core/model/retry.ts';
import { statusToRetryClass } from '../../../core/model/retry.ts';
import { isAbort } from '../../../core/record/failure.ts';

/** Why an answer with this status is worth another try; `null` when it is not. */
export function answerToRetryClass(status: number, headers: HeaderValues): RetryClass | null {
  if (status < 400) return null;
  return statusToRetryClass(status, headers['x-should-retry'] === 'true' || status === 409 || status === 425);
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
