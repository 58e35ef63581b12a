import { TachographError } from '../../../core/error.ts';

/*
 * Errors of PostgreSQL by their class (postgresql.org/docs/current/errcodes-appendix.html), of the driver by name.
 */

interface ServerFailure {
  readonly code?: string;
  readonly message?: string;
  readonly table?: string;
  readonly routine?: string;
}

// 08 connection, 53 resources, 57 operator intervention (statement timeout, shutdown), 55 not in the right state (lock).
const passingClasses = new Set(['08', '53', '55', '57', '58']);
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
]);
const driverMessages = /terminated|timeout exceeded|not queryable|was closed|has been ended|Connection ended/i;

const codeOf = (error: unknown): string | undefined => (error as ServerFailure | null)?.code;

/** True for a conflict between transactions that goes away by itself: tried again at once. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40P01' || code === '40001' || isNameLost(error);
}

/** True when the server no longer has a statement by its name, or its plan no longer fits: told again, it goes on. */
export function isNameLost(error: unknown): boolean {
  const { code, routine } = (error ?? {}) as ServerFailure;
  return code === '26000' || (code === '0A000' && routine === 'RevalidateCachedQuery');
}

/** True for a failure after which the connection is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  // 25P03: the transaction was left alone for too long, and the server has hung up.
  if (code === '25P03') return true;
  if (code !== undefined && (networkCodes.has(code) || code.startsWith('08') || code.startsWith('57P'))) return true;
  return code === undefined && driverMessages.test((error as Error | null)?.message ?? '');
}

/** True for a connection that ended early: asked again at once, another may answer. Not for one that was waited for in vain. */
export function isConnectionCut(error: unknown): boolean {
  return isConnectionLost(error) && !/timeout/i.test((error as Error | null)?.message ?? '');
}

function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return isConnectionLost(error) || isConflict(error) || (code !== undefined && passingClasses.has(code.slice(0, 2)));
}

const missing = new Set(['42P01', '42883', '3F000', '42501', '3D000']);

/** Our own error for one of PostgreSQL's or the driver's, with the place and what to do; never a recorded value. */
export function toStoreError(error: unknown, place: string): unknown {
  if (error instanceof TachographError) return error;
  const { code, message = String(error), table } = (error ?? {}) as ServerFailure;
  const cause = { cause: error };
  if (isPassing(error)) {
    const what = code === undefined ? message : `${code}: ${message}`;
    return new TachographError(
      'store-busy',
      `PostgreSQL at ${place} cannot answer now (${what}); try again when it can be reached.`,
      cause,
    );
  }
  if (code?.startsWith('28') === true)
    return new TachographError(
      'home-unusable',
      `PostgreSQL at ${place} refuses the user or password (${code}).`,
      cause,
    );
  if (code !== undefined && missing.has(code)) {
    return new TachographError(
      'store-broken',
      `The store at ${place} is not set up for this role (${code}: ${message}): run tachograph migrate, or migratePostgres and createPostgresRole, with the owner's connection.`,
      cause,
    );
  }
  if (code === undefined) return error;
  // The message may repeat a recorded value; code and table say enough.
  return new TachographError(
    'internal',
    `PostgreSQL at ${place} failed with ${code}${table === undefined ? '' : ` on table ${table}`}.`,
    cause,
  );
}
