import { isTachographError } from '../core/error.ts';

// Result codes of SQLite (sqlite.org/rescode.html) that tell of the machine, not of what was written: busy, locked, no
// memory, read-only, interrupted, input or output, full, cannot open.
const passingResults = new Set([5, 6, 7, 8, 9, 10, 13, 14]);
const passingErrnos = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY']);
const passingCodes = new Set(['store-busy', 'store-closed', 'store-newer', 'home-unusable']);

/** True for a failure that tells nothing about what was to be imported: the same import may go well later. */
export function isPassing(error: unknown): boolean {
  if (isTachographError(error) && passingCodes.has(error.code)) return true;
  const { errcode, code, cause } = (error ?? {}) as { errcode?: unknown; code?: unknown; cause?: unknown };
  if (typeof errcode === 'number' && passingResults.has(errcode & 0xff)) return true;
  if (typeof code === 'string' && passingErrnos.has(code)) return true;
  return cause !== undefined && cause !== error && isPassing(cause);
}

/**
 * What failed, in words that are our own: names, codes and the place in the program. Never the message of a thrown value,
 * which may repeat recorded words that an erasure would then not find.
 */
export function toReason(error: unknown): string {
  if (isTachographError(error) && error.cause !== undefined) return `${error.code}, ${toReason(error.cause)}`;
  if (isTachographError(error)) return error.code;
  if (!(error instanceof Error)) return typeof error;
  const { name, code, errcode } = error as Error & { code?: unknown; errcode?: unknown };
  // Messages of SQLite name tables and columns, never values.
  if (typeof errcode === 'number') return `SQLite ${errcode}, ${error.message}`;
  const place = /\(?([^\s(/\\]+:\d+):\d+\)?\s*$/m.exec((error.stack ?? '').split('\n    at ')[1] ?? '')?.[1];
  return [name, ...(typeof code === 'string' ? [code] : []), ...(place === undefined ? [] : [`at ${place}`])].join(' ');
}
