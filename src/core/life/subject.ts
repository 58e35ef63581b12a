import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';

/**
 * Whose words are erased: all runs of a caller, or of a session, with the runs they started; or what a session said
 * after a message, that message excluded.
 */
export type Subject =
  | { readonly kind: 'caller'; readonly callerId: string }
  | { readonly kind: 'session'; readonly sessionId: string }
  | {
      readonly kind: 'message';
      readonly messageId: string;
      /** `null`: the one session that knows the message. */
      readonly sessionId: string | null;
      /** Only runs that started before, Unix milliseconds; `null`: 30 seconds ago. */
      readonly startedBeforeMs: number | null;
    };

/** A turn that has only just begun may still be writing: by default deletion by message leaves it alone. */
export const youngRunMs = 30_000;

const digits = /^\d+$/;

/**
 * True when a message comes strictly after another, by their ids: as numbers when both are digits, else as text. So it
 * holds for ids that sort by time, such as UUIDv7, ULID, snowflakes and counters.
 */
export function isMessageAfter(id: string, other: string): boolean {
  return digits.test(id) && digits.test(other) ? BigInt(id) > BigInt(other) : id > other;
}

/** The message ids that a run or step names. */
export function messageIdsOf(
  of:
    | Pick<RunView, 'triggerMessageId' | 'historyTipMessageId'>
    | Pick<StepView, 'historyTipMessageId' | 'assistantMessageId'>,
): readonly string[] {
  const ids = 'triggerMessageId' in of ? [of.triggerMessageId] : [of.assistantMessageId];
  return [...ids, of.historyTipMessageId].filter((id) => id !== null);
}

/**
 * What of a run comes after a message: all of it, some of its steps with the steps under them, or `null` for nothing.
 * What names no message stays.
 */
export function partAfterMessage(
  run: RunView,
  steps: readonly StepView[],
  messageId: string,
): 'all' | ReadonlySet<string> | null {
  const isAfter = (id: string): boolean => isMessageAfter(id, messageId);
  if (messageIdsOf(run).some(isAfter)) return 'all';
  const meant = new Set(steps.filter((step) => messageIdsOf(step).some(isAfter)).map(({ id }) => id));
  for (let size = -1; size !== meant.size;) {
    size = meant.size;
    for (const { id, parentStepId } of steps) if (parentStepId !== null && meant.has(parentStepId)) meant.add(id);
  }
  return meant.size === 0 ? null : meant;
}
