import { isTachographError } from '../error.ts';
import type { RetryClass } from '../model/attempt.ts';
import { statusToRetryClass, toRetryDelayMs } from '../model/retry.ts';

/** How long to wait before another try: doubled with each, and a random part of that. */
export interface RetryPace {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** How an agent's runs are tried again after a failure. */
export interface RetryPolicy {
  /** In place of the built-in pace, by class. */
  readonly paceByClass?: Partial<Readonly<Record<RetryClass, RetryPace>>>;
  /** Says of an error whether it may pass; `null` leaves it to the built-in rules. */
  readonly isRetryable?: (error: unknown) => boolean | null;
}

/** The pace unless an agent says otherwise. */
export const defaultPaceByClass: Readonly<Record<RetryClass, RetryPace>> = {
  'rate-limit': { baseMs: 5_000, maxMs: 300_000 },
  overloaded: { baseMs: 2_000, maxMs: 120_000 },
  server: { baseMs: 1_000, maxMs: 60_000 },
  network: { baseMs: 500, maxMs: 60_000 },
  timeout: { baseMs: 1_000, maxMs: 60_000 },
  other: { baseMs: 1_000, maxMs: 60_000 },
};

/** Client errors that say nothing against the same request later. */
const passingStatuses = new Set([408, 409, 425, 429]);

/** Of our own codes only these speak of something that passes. */
const passingCodes = new Set(['E-RUN-007', 'store-busy', 'store-closed', 'end-conflict', 'internal']);

const networkCodes =
  /^(ECONN\w+|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|UND_ERR_(SOCKET|CLOSED|CONNECT_TIMEOUT))$/;
const timeoutCodes = /^(ETIMEDOUT|UND_ERR_(HEADERS|BODY)_TIMEOUT)$/;

const causesMax = 8;

type Fields = Readonly<Record<string, unknown>>;

/** An error and what it was caused by, or what a library's last try failed with. */
function chainOf(error: unknown): Fields[] {
  const chain: Fields[] = [];
  let at = error;
  while (typeof at === 'object' && at !== null && chain.length < causesMax) {
    const fields = at as Fields;
    chain.push(fields);
    at = fields['lastError'] ?? fields['cause'];
  }
  return chain;
}

function statusOf(fields: Fields): number | null {
  const response = fields['response'] as Fields | null | undefined;
  const status = fields['statusCode'] ?? fields['status'] ?? response?.['status'];
  return typeof status === 'number' && status >= 100 && status < 600 ? status : null;
}

function classOf(fields: Fields): RetryClass | 'final' | null {
  if (isTachographError(fields)) return passingCodes.has(fields.code) ? 'other' : 'final';
  const status = statusOf(fields);
  if (status !== null && status >= 400)
    return status < 500 && !passingStatuses.has(status) ? 'final' : (statusToRetryClass(status, true) ?? 'other');
  if (fields['isRetryable'] === false) return 'final';
  const code = typeof fields['code'] === 'string' ? fields['code'] : '';
  if (timeoutCodes.test(code) || fields['name'] === 'TimeoutError') return 'timeout';
  return networkCodes.test(code) ? 'network' : null;
}

/**
 * Why a failure is worth another attempt of its run; `null` when it is not: bad arguments, a remembered step that was asked
 * for with another input, budgets, schemas, and what a provider refuses for good. Never throws.
 */
export function errorToRetryClass(error: unknown, policy: RetryPolicy = {}): RetryClass | null {
  const said = policy.isRetryable?.(error) ?? null;
  if (said === false) return null;
  const found = chainOf(error)
    .map(classOf)
    .find((each) => each !== null);
  if (found === undefined) return 'other';
  if (found !== 'final') return found;
  return said === true ? 'other' : null;
}

/** How long a provider asked to wait, as far as the error tells; `null` if it did not. */
function askedDelayMs(error: unknown, nowMs: number): number | null {
  for (const fields of chainOf(error)) {
    const headers = fields['responseHeaders'];
    if (typeof headers !== 'object' || headers === null) continue;
    const asked = toRetryDelayMs(headers as Readonly<Record<string, string>>, nowMs);
    if (asked !== null) return asked;
  }
  return null;
}

/** A day: whoever asks for more is not waited for. */
const askedMax = 24 * 3600_000;

/**
 * Milliseconds until the next attempt: exponential with full jitter, not before the provider's own word. `random` gives 0 to
 * below 1, `attempts` is how many there were.
 */
export function nextRetryDelayMs(
  error: unknown,
  retry: { readonly attempts: number; readonly retryClass: RetryClass; readonly nowMs: number },
  by: { readonly policy?: RetryPolicy; readonly random: () => number },
): number {
  const { attempts, retryClass, nowMs } = retry;
  const { baseMs, maxMs } = by.policy?.paceByClass?.[retryClass] ?? defaultPaceByClass[retryClass];
  const most = Math.min(maxMs, baseMs * 2 ** Math.min(30, Math.max(0, attempts - 1)));
  const asked = Math.min(askedDelayMs(error, nowMs) ?? 0, askedMax);
  return Math.round(Math.max(asked, by.random() * most));
}
