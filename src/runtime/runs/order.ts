import { TachographError } from '../../core/error.ts';
import type { RunOrder } from '../../core/work/creation.ts';
import { orderPlace } from '../../core/work/creation.ts';
import type { Memo } from '../../core/work/memo.ts';
import type { WorkSecrets } from '../../core/work/secrets.ts';
import { memoPlace } from '../handler/memory.ts';

/** A memo with its result in the open, as it goes along with the order of a run that is driven again. */
export interface CarriedMemo extends Omit<Memo, 'runId' | 'sealed'> {
  /** As it was sealed: JSON text; `null` without one. */
  readonly text: string | null;
}

/** The order of a run, and what a run that is driven again brings from the one before. */
export interface FullOrder extends RunOrder {
  readonly carried?: {
    /** The run whose name makes the keys of the calls: the first one of all. */
    readonly keyRunId: string;
    readonly memos: readonly CarriedMemo[];
  };
}

/** Opens the sealed order of a run. `work-missing` when it is gone. */
export function openOrder(secrets: WorkSecrets, runId: string, sealed: Uint8Array | null): FullOrder {
  if (sealed === null)
    throw new TachographError('work-missing', `The input of run ${runId} is gone: it was dropped when the run ended.`);
  return JSON.parse(secrets.open(sealed, orderPlace(runId))) as FullOrder;
}

/** Memos as they go along with an order. */
export function carryMemos(secrets: WorkSecrets, memos: readonly Memo[]): CarriedMemo[] {
  return memos.map(({ runId, sealed, ...memo }) => ({
    ...memo,
    text: sealed === null ? null : secrets.open(sealed, memoPlace(runId, memo.name, memo.occurrence)),
  }));
}

/** Memos that came along with an order, as those of the run itself. */
export function landMemos(secrets: WorkSecrets, runId: string, carried: readonly CarriedMemo[]): Memo[] {
  return carried.map(({ text, ...memo }) => ({
    ...memo,
    runId,
    sealed: text === null ? null : secrets.seal(text, memoPlace(runId, memo.name, memo.occurrence)),
  }));
}

/** What a run remembers, brought along and its own: its own take the place of the same thing brought along. */
export function joinMemos(carried: readonly Memo[], own: readonly Memo[]): readonly Memo[] {
  if (carried.length === 0) return own;
  const keyOf = (memo: Memo): string => `${memo.occurrence}/${memo.name}`;
  const ownKeys = new Set(own.map(keyOf));
  return [...carried.filter((memo) => !ownKeys.has(keyOf(memo))), ...own];
}
