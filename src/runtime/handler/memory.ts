import { TachographError } from '../../core/error.ts';
import type { Memo, MemoKind } from '../../core/work/memo.ts';
import type { WorkSecrets } from '../../core/work/secrets.ts';
import type { LeaseRef, WorkStore } from '../../core/work/work.ts';
import type { Lease } from './lease.ts';
import { stateToLoss } from './lease.ts';

/** Where the result of a remembered thing is sealed for. */
export const memoPlace = (runId: string, name: string, occurrence: number): string =>
  `memo/${runId}/${occurrence}/${name}`;

/** One thing that a run does, and what is remembered of it. */
export interface Remembered {
  /** As it is remembered; `null` when nothing is, or something that may be done anew. */
  readonly memo: Memo | null;
  readonly name: string;
  readonly occurrence: number;
  readonly inputDigest: string;
  /** The remembered value. */
  value(): unknown;
  /** The memo to be written. */
  toMemo(change: { readonly status: Memo['status']; readonly stepId: string | null; readonly value?: unknown }): Memo;
  /** Writes it while the lease is held, else rejects with why it is not. */
  put(change: {
    readonly status: Memo['status'];
    readonly stepId: string | null;
    readonly value?: unknown;
  }): Promise<void>;
}

/** What a run remembers, under one lease. */
export interface RunMemory {
  readonly isReplaying: boolean;
  /** The next occurrence of a name. `memo-conflict` when it was another thing, or had another input. */
  next(kind: MemoKind, name: string, input: unknown): Remembered;
}

/** What a memory needs. */
export interface RunMemoryParts {
  readonly projectId: string;
  readonly ref: LeaseRef;
  readonly work: WorkStore;
  readonly secrets: WorkSecrets;
  readonly lease: Lease;
  readonly handlerVersion: string | null;
  /** Of earlier leases, by sequence. */
  readonly memos: readonly Memo[];
}

function toText(name: string, value: unknown): string {
  try {
    return JSON.stringify({ value });
  } catch (cause) {
    throw new TachographError('bad-argument', `What "${name}" gave cannot be remembered: it is no JSON value.`, {
      cause,
    });
  }
}

/** Ends the lease with what the store says of the run, and throws it. */
export async function loseLease(parts: Pick<RunMemoryParts, 'projectId' | 'ref' | 'work' | 'lease'>): Promise<never> {
  const { projectId, ref, work, lease } = parts;
  const row = await work.get(projectId, ref.runId);
  const reason = stateToLoss(ref.runId, row?.state ?? null);
  lease.end(reason);
  throw lease.reason ?? reason;
}

/** The memory of a run. */
export function createRunMemory(parts: RunMemoryParts): RunMemory {
  const { ref, secrets, lease } = parts;
  const { runId, leaseEpoch } = ref;
  const keyOf = (name: string, occurrence: number): string => `${occurrence}/${name}`;
  const memoByKey = new Map(parts.memos.map((memo) => [keyOf(memo.name, memo.occurrence), memo]));
  const countByName = new Map<string, number>();
  let sequence = parts.memos.reduce((most, memo) => Math.max(most, memo.sequence), -1) + 1;
  let unread = parts.memos.filter(({ status }) => status === 'done').length;

  const check = (memo: Memo, name: string, now: { readonly kind: MemoKind; readonly inputDigest: string }): void => {
    const { kind, inputDigest } = now;
    if (memo.kind === kind && memo.inputDigest === inputDigest) return;
    const what = memo.kind === kind ? 'another input' : `a ${memo.kind}, not a ${kind}`;
    throw new TachographError(
      'memo-conflict',
      `Run ${runId} did "${name}" (number ${memo.occurrence}) before with ${what}: a handler must do the same things in the same order when it is run again. Give changed steps another name.`,
    );
  };

  return {
    get isReplaying() {
      return unread > 0;
    },
    next(kind, name, input) {
      if (typeof name !== 'string' || name === '' || name.length > 200)
        throw new TachographError('bad-argument', 'The name of a step must be a text of 1 to 200 characters.');
      const occurrence = countByName.get(name) ?? 0;
      countByName.set(name, occurrence + 1);
      const inputDigest = secrets.digest(input ?? null);
      // A name may be made of what a run was given, so it rests as a digest (I4); the record has it, redacted.
      const stored = secrets.digest(['name', name]);
      const memo = memoByKey.get(keyOf(stored, occurrence)) ?? null;
      if (memo !== null) check(memo, name, { kind, inputDigest });
      if (memo?.status === 'done') unread -= 1;
      const place = memoPlace(runId, stored, occurrence);
      const own = memo?.sequence ?? sequence++;
      const toMemo: Remembered['toMemo'] = ({ status, stepId, ...rest }) => ({
        runId,
        name: stored,
        occurrence,
        kind,
        inputDigest,
        status,
        sequence: own,
        stepId,
        leaseEpoch,
        handlerVersion: parts.handlerVersion,
        sealed: 'value' in rest ? secrets.seal(toText(name, rest.value), place) : null,
      });
      return {
        memo,
        name,
        occurrence,
        inputDigest,
        value: () =>
          memo?.sealed == null
            ? undefined
            : (JSON.parse(secrets.open(memo.sealed, place)) as { value?: unknown }).value,
        toMemo,
        async put(change) {
          lease.check();
          const isWritten = await parts.work.putMemos(parts.projectId, ref, [toMemo(change)]);
          if (!isWritten) await loseLease(parts);
          lease.check();
        },
      };
    },
  };
}

/** A value as whoever takes the run over would get it. */
export function toRememberedValue<T>(name: string, value: T): T {
  return (JSON.parse(toText(name, value)) as { value: T }).value;
}
