import { countRedactions } from '../content/interner.ts';
import type { EntryDraft } from '../content/interner.ts';
import type { RecordedError } from '../model/step.ts';
import type { EndReason } from '../model/run.ts';
import { truncateBytes } from '../limits.ts';
import type { Redactor } from '../redact/redactor.ts';

const messageBytesMax = 8192;
const nameBytesMax = 512;
const causesMax = 8;

/** Longer words are withheld rather than searched for secrets in the caller's thread. */
const wordsCharsMax = 1024 * 1024;

/** What takes the secrets out of an error's words before they are cut, and where it is counted. */
export interface ErrorTools {
  readonly redactor: Redactor;
  readonly draft: EntryDraft;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Words cut to a bound. What is within it is left to the redaction of the payload that it goes into; what is cut is
 * redacted whole before, in the way the payload would be, or half a secret would stay (I4).
 */
function cutWords(words: string, bytesMax: number, tools: ErrorTools): string {
  const text = words.toWellFormed();
  if (text.length > wordsCharsMax) return `[WITHHELD:too-large:${Buffer.byteLength(text)} bytes]`;
  if (text.length <= bytesMax / 3 || Buffer.byteLength(text) <= bytesMax) return text;
  const redacted = tools.redactor.json(JSON.stringify(text));
  countRedactions(tools.draft, redacted.counts);
  return truncateBytes(JSON.parse(redacted.value) as string, bytesMax);
}

function nameOf(value: unknown): string {
  return value instanceof Error ? toWords(value.name) || 'Error' : typeof value;
}

function toWords(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

const messageOf = (value: unknown): string => toWords(value instanceof Error ? value.message : value);

const textOf = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null;

/** A DOMException's code is a number from another century; its name says the same in a word. */
const codeOf = (value: unknown, fields: Fields): string | null =>
  value instanceof DOMException ? null : textOf(fields['code']);

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

/**
 * What is kept of anything thrown: name, message, code, provider status, whether it may be retried, and its chain of
 * causes. What is cut was redacted before (I4); the rest is redacted with the payload. Never throws, whatever was thrown.
 */
export function toRecordedError(value: unknown, tools: ErrorTools): RecordedError {
  try {
    const fields = fieldsOf(value);
    const status = fields['statusCode'] ?? fields['status'];
    const code = codeOf(value, fields);
    const isRetryable = fields['isRetryable'];
    return {
      name: cutWords(nameOf(value), nameBytesMax, tools),
      message: cutWords(messageOf(value), messageBytesMax, tools),
      code: code === null ? null : cutWords(code, nameBytesMax, tools),
      status: Number.isSafeInteger(status) ? (status as number) : null,
      isRetryable: typeof isRetryable === 'boolean' ? isRetryable : null,
      causes: causesOf(fields, tools),
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

function causesOf(fields: Fields, tools: ErrorTools): RecordedError['causes'] {
  const causes: { name: string; message: string }[] = [];
  const seen = new Set<unknown>();
  let cause = fields['cause'] ?? fields['lastError'];
  while (cause !== undefined && cause !== null && causes.length < causesMax && !seen.has(cause)) {
    seen.add(cause);
    causes.push({
      name: cutWords(nameOf(cause), nameBytesMax, tools),
      message: cutWords(messageOf(cause), messageBytesMax, tools),
    });
    cause = fieldsOf(cause)['cause'] ?? null;
  }
  return causes;
}

function reasonOf(value: unknown): EndReason {
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

/**
 * How something thrown ends a run: an abort by the caller is `cancelled`, a deadline `timeout`, all else `error`. Never
 * throws, whatever was thrown.
 */
export function errorToEndReason(value: unknown): EndReason {
  try {
    return reasonOf(value);
  } catch {
    // A thrown thing that cannot even be asked for its name is no abort.
    return 'error';
  }
}

/** True for an abort or a deadline: a step that ends with one is `interrupted`, not `error`. Never throws. */
export function isAbort(value: unknown): boolean {
  return errorToEndReason(value) !== 'error';
}
