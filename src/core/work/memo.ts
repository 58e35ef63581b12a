/** What kind of thing a run remembers. */
export const memoKinds = ['step', 'tool', 'sleep', 'signal', 'child'] as const;

/** One of the kinds. */
export type MemoKind = (typeof memoKinds)[number];

/** How far a remembered thing has come. `announced`: begun, and nobody knows whether it was done. */
export const memoStatuses = ['announced', 'done', 'failed', 'in_doubt'] as const;

/** One of the statuses. */
export type MemoStatus = (typeof memoStatuses)[number];

/**
 * What a run remembers of one thing it did, so that a worker that takes it over does not do it again. Found by name and
 * occurrence (the how-manieth of that name, from 0); another input digest under them is an error.
 */
export interface Memo {
  readonly runId: string;
  /** HMAC-SHA-256 of the name that the handler gave, 64 hex digits. */
  readonly name: string;
  readonly occurrence: number;
  readonly kind: MemoKind;
  /** HMAC-SHA-256 of the input's canonical form, 64 hex digits. */
  readonly inputDigest: string;
  readonly status: MemoStatus;
  /** From 0 in the order they were begun. */
  readonly sequence: number;
  /** The step that the record has of it. */
  readonly stepId: string | null;
  readonly leaseEpoch: number;
  readonly handlerVersion: string | null;
  /** The result, encrypted; it goes when the run ends (I4). */
  readonly sealed: Uint8Array | null;
}
