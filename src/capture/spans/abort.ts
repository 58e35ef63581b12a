import type { EndReason } from '../../core/model/run.ts';
import { errorToEndReason } from '../../core/record/failure.ts';

/** What frameworks and clients say of a call that its caller called off, in an error without a name of its own. */
const abortWords: ReadonlySet<string> = new Set([
  'Abort',
  'AbortError',
  'Aborted',
  'Request was aborted.',
  'The operation was aborted.',
  'This operation was aborted',
]);

function isNamelessAbort(error: unknown): boolean {
  const { name, message } = error as { name?: unknown; message?: unknown };
  return name === 'ModelAbortError' || (name === 'Error' && abortWords.has(String(message)));
}

/** How a run ends that something was thrown out of; unlike core's, by the words of a nameless abort too. Never throws. */
export function thrownToEndReason(error: unknown): EndReason {
  const reason = errorToEndReason(error);
  if (reason !== 'error' || typeof error !== 'object' || error === null) return reason;
  try {
    return isNamelessAbort(error) ? 'cancelled' : 'error';
  } catch {
    // What cannot even be asked for its words is no abort.
    return 'error';
  }
}

/** True for an abort or a deadline, also one that only its words tell. Never throws. */
export function isCalledOff(error: unknown): boolean {
  return thrownToEndReason(error) !== 'error';
}
