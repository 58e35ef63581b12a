import { toFields } from '../vendor.ts';

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
