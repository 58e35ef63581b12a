import type { EndReason } from '../../../core/model/run.ts';
import { errorToEndReason } from '../../../core/record/failure.ts';
import { toFields } from '../vendor.ts';

/** Words that LangChain and its providers throw for an abort, in an error without a name of its own. */
const abortWords = new Set(['Abort', 'AbortError', 'Aborted', 'This operation was aborted', 'Request was aborted.']);

/** How a run ends that something was thrown out of. LangChain says in several ways that a call was aborted. */
export function toEndReason(error: unknown): EndReason {
  const reason = errorToEndReason(error);
  if (reason !== 'error') return reason;
  const { name, message } = (toFields(error) ?? {}) as { name?: unknown; message?: unknown };
  const isAbort = name === 'ModelAbortError' || (name === 'Error' && abortWords.has(String(message)));
  return isAbort ? 'cancelled' : 'error';
}

/** True for an abort or a deadline. */
export function isAborted(error: unknown): boolean {
  return toEndReason(error) !== 'error';
}

/**
 * True for what LangGraph throws to leave a node on purpose: a pause for a person, a command to the graph above. No
 * error; the graph itself returns.
 */
export function isBubbleUp(error: unknown): boolean {
  return toFields(error)?.['is_bubble_up'] === true;
}

/** What a paused node asks, or `undefined` when it left for another reason. */
export function toInterrupts(error: unknown): unknown {
  const { name, interrupts } = (toFields(error) ?? {}) as { name?: unknown; interrupts?: unknown };
  return name === 'GraphInterrupt' || name === 'NodeInterrupt' ? (interrupts ?? []) : undefined;
}
