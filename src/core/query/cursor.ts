import { TachographError } from '../error.ts';
import type { RunView } from '../model/run.ts';

/** The place of a run in every list: its time, and its id where times are equal. The order is total. */
export interface RunPosition {
  readonly timeMs: number;
  readonly id: string;
}

/** When a run counts as started: creation stands for the start of a run that has not started. Unix milliseconds. */
export function runTimeMs(run: Pick<RunView, 'startedAtMs' | 'createdAtMs'>): number {
  return run.startedAtMs ?? run.createdAtMs;
}

/** The position of a run in lists. */
export function runToPosition(run: Pick<RunView, 'id' | 'startedAtMs' | 'createdAtMs'>): RunPosition {
  return { timeMs: runTimeMs(run), id: run.id };
}

/** Oldest first, ties by id ascending; 0 only for the same run. */
export function comparePositions(a: RunPosition, b: RunPosition): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Oldest first, as children and finished runs are listed. */
export function compareOldestFirst(a: RunView, b: RunView): number {
  return comparePositions(runToPosition(a), runToPosition(b));
}

/** Newest first, as runs are listed. */
export function compareNewestFirst(a: RunView, b: RunView): number {
  return compareOldestFirst(b, a);
}

/** The opaque text of a position, safe in a URL. */
export function positionToCursor(position: RunPosition): string {
  return Buffer.from(`1 ${position.timeMs} ${position.id}`).toString('base64url');
}

/** Reads a cursor back. Anything that `positionToCursor` would not have written is `bad-cursor`. */
export function parseCursor(cursor: string): RunPosition {
  const match = /^1 (-?\d{1,16}) ([0-9A-Za-z-]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  const position = match === null ? null : { timeMs: Number(match[1]), id: match[2]! };
  if (position === null || positionToCursor(position) !== cursor) {
    throw new TachographError(
      'bad-cursor',
      'The cursor is not one that a page gave out; start again without a cursor.',
    );
  }
  return position;
}
