import type { RecordedError } from '../model/step.ts';
import type { EndReason } from '../model/run.ts';
import { truncateBytes } from '../limits.ts';

const messageBytesMax = 8192;
const causesMax = 8;

type Fields = Readonly<Record<string, unknown>>;

function nameOf(value: unknown): string {
  return value instanceof Error ? value.name || 'Error' : typeof value;
}

function messageOf(value: unknown): string {
  if (value instanceof Error) return truncateBytes(value.message, messageBytesMax);
  if (typeof value === 'string') return truncateBytes(value, messageBytesMax);
  try {
    return truncateBytes(JSON.stringify(value) ?? String(value), messageBytesMax);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null;

/** A DOMException's code is a number from another century; its name says the same in a word. */
const codeOf = (value: unknown, fields: Fields): string | null =>
  value instanceof DOMException ? null : textOf(fields['code']);

/**
 * What is kept of anything thrown: name, message, code, provider status, whether it may be retried, and its chain of
 * causes. Redaction comes after, with the event's payload. Never throws, whatever was thrown.
 */
export function toRecordedError(value: unknown): RecordedError {
  try {
    const fields = (typeof value === 'object' && value !== null ? value : {}) as Fields;
    const status = fields['statusCode'] ?? fields['status'];
    return {
      name: nameOf(value),
      message: messageOf(value),
      code: codeOf(value, fields),
      status: typeof status === 'number' ? status : null,
      isRetryable: typeof fields['isRetryable'] === 'boolean' ? fields['isRetryable'] : null,
      causes: causesOf(fields),
    };
  } catch {
    // A getter that throws: the fact that something was thrown is still worth recording.
    return {
      name: 'unknown',
      message: 'an error that cannot be read',
      code: null,
      status: null,
      isRetryable: null,
      causes: [],
    };
  }
}

function causesOf(fields: Fields): RecordedError['causes'] {
  const causes: { name: string; message: string }[] = [];
  const seen = new Set<unknown>();
  let cause = fields['cause'] ?? fields['lastError'];
  while (cause !== undefined && cause !== null && causes.length < causesMax && !seen.has(cause)) {
    seen.add(cause);
    causes.push({ name: nameOf(cause), message: messageOf(cause) });
    cause = typeof cause === 'object' ? ((cause as Fields)['cause'] ?? null) : null;
  }
  return causes;
}

/** How something thrown ends a run: an abort by the caller is `cancelled`, a deadline `timeout`, all else `error`. */
export function errorToEndReason(value: unknown): EndReason {
  const seen = new Set<unknown>();
  let error = value;
  while (typeof error === 'object' && error !== null && !seen.has(error)) {
    seen.add(error);
    const name = (error as Fields)['name'];
    if (name === 'TimeoutError') return 'timeout';
    if (name === 'AbortError' || name === 'ResponseAborted') return 'cancelled';
    error = (error as Fields)['cause'];
  }
  return 'error';
}

/** True for an abort or a deadline: a step that ends with one is `interrupted`, not `error`. */
export function isAbort(value: unknown): boolean {
  return errorToEndReason(value) !== 'error';
}
