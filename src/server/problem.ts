import type { ErrorCode } from '../core/error.ts';
import { isTachographError } from '../core/error.ts';
import type { Problem } from './wire.ts';

/** Codes of refusals that only exist on the wire. Closed and pinned like the codes of errors. */
export const refusalCodes = [
  'host-refused',
  'origin-refused',
  'route-not-found',
  'method-not-allowed',
  'body-too-large',
  'media-type-refused',
  'not-offered',
  'key-missing',
  'key-refused',
  'scope-missing',
  'project-suspended',
  'too-many-tries',
  'closing',
] as const;

/** One of the closed list of refusals. */
export type RefusalCode = (typeof refusalCodes)[number];

/** Every code a problem can carry. */
export type ProblemCode = ErrorCode | RefusalCode;

/** The one place where codes become HTTP statuses. */
export const statusByCode: Readonly<Record<ProblemCode, number>> = {
  'bad-argument': 400,
  'bad-filter': 400,
  'bad-cursor': 400,
  'run-not-found': 404,
  'step-not-found': 404,
  'content-not-found': 404,
  'prefix-ambiguous': 409,
  'model-missing': 500,
  'end-conflict': 409,
  'journal-broken': 500,
  'journal-newer': 500,
  'store-broken': 500,
  'store-newer': 500,
  'store-busy': 503,
  'store-closed': 503,
  'home-unusable': 500,
  'key-broken': 500,
  'export-foreign': 422,
  'batch-broken': 400,
  'batch-foreign': 403,
  'port-taken': 500,
  'bind-refused': 500,
  'replay-diverged': 409,
  'replay-not-recorded': 422,
  internal: 500,
  'host-refused': 403,
  'origin-refused': 403,
  'route-not-found': 404,
  'method-not-allowed': 405,
  'body-too-large': 413,
  'media-type-refused': 415,
  'not-offered': 501,
  'key-missing': 401,
  'key-refused': 401,
  'scope-missing': 403,
  'project-suspended': 403,
  'too-many-tries': 429,
  'key-not-found': 404,
  'project-not-found': 404,
  closing: 503,
  'idempotency-conflict': 422,
  'agent-not-found': 404,
  'schedule-not-found': 404,
  'work-missing': 501,
  'memo-conflict': 409,
  'tool-blocked': 403,
  'E-RUN-001': 409,
  'E-RUN-002': 409,
  'E-RUN-003': 409,
  'E-RUN-004': 409,
  'E-RUN-005': 409,
  'E-RUN-006': 409,
  'E-RUN-007': 503,
  'E-RUN-008': 422,
  'E-BUDGET-001': 422,
  'E-BUDGET-002': 422,
  'E-BUDGET-003': 422,
  'E-BUDGET-004': 422,
  'E-BUDGET-005': 422,
  'E-BUDGET-006': 422,
  'E-SCHEMA-001': 422,
  'E-SCHEMA-002': 422,
  'E-TENANT-001': 500,
};

const titleByStatus: Readonly<Record<number, string>> = {
  400: 'Malformed request',
  401: 'Not signed in',
  403: 'Refused',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Not acceptable',
  429: 'Slow down',
  500: 'Internal error',
  501: 'Not offered here',
  503: 'Try again',
};

/** What a problem says beside its code. */
export interface ProblemOptions {
  /** The query or body field that was wrong. */
  readonly field?: string;
  /** In place of the code's own: for a probe, every reason is a 503. */
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A problem as a response. The detail is shown to the caller as it is: it never holds a stack or a stored value. */
export function toProblem(code: ProblemCode, detail: string, options: ProblemOptions = {}): Response {
  const status = options.status ?? statusByCode[code];
  const body: Problem = {
    type: `urn:tachograph:problem:${code}`,
    title: titleByStatus[status]!,
    status,
    code,
    detail,
    field: options.field ?? null,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 503 ? { 'retry-after': '1' } : {}),
      ...options.headers,
    },
  });
}

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(statusByCode, code);

/**
 * Anything thrown as a response. Our own errors are written for people and shown; of all others nothing is shown, since
 * nobody knows what they hold. With `status` that one, whatever the code says.
 */
export function errorToProblem(error: unknown, status?: number): Response {
  if (isTachographError(error) && isProblemCode(error.code) && error.code !== 'internal') {
    return toProblem(error.code, error.message, { status });
  }
  return toProblem('internal', 'The server failed to answer this request. Its log says why.', { status });
}

/** True for what the server itself got wrong: worth telling its owner. */
export function isOwnFault(error: unknown): boolean {
  return !isTachographError(error) || !isProblemCode(error.code) || statusByCode[error.code] >= 500;
}
