import type { AskedCall } from './response.ts';

/** A call that was asked for, and whether its words may be recorded. */
export interface AwaitedCall extends AskedCall {
  readonly isWithheld: boolean;
}

/** What models asked for and no tool has taken up yet, by the span of the turn that asked. */
export interface AskedCalls {
  add(turnId: string, calls: readonly AskedCall[], isWithheld: boolean): void;
  /** The first call of this name that the turn still waits for; tools with a namespace go by either name. */
  take(turnId: string | null, name: string): AwaitedCall | null;
  /** The turn is over. */
  clear(turnId: string): void;
}

/** Nobody waits for any call. Spans of functions name neither their call nor, at first, its arguments: this does. */
export function createAskedCalls(): AskedCalls {
  const callsByTurn = new Map<string, AwaitedCall[]>();
  return {
    add(turnId, calls, isWithheld) {
      if (calls.length === 0) return;
      const known = callsByTurn.get(turnId) ?? [];
      callsByTurn.set(turnId, [...known, ...calls.map((call) => ({ ...call, isWithheld }))]);
    },
    take(turnId, name) {
      const calls = turnId === null ? undefined : callsByTurn.get(turnId);
      const index = calls?.findIndex((call) => call.name === name || name.endsWith(`.${call.name}`)) ?? -1;
      return index === -1 ? null : (calls!.splice(index, 1)[0] ?? null);
    },
    clear: (turnId) => void callsByTurn.delete(turnId),
  };
}
