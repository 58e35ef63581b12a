import type {
  AttemptEndFacts,
  BudgetEntryFacts,
  ContentEraseFacts,
  CostActualFacts,
  GapFacts,
  RunCreateFacts,
  RunEndFacts,
  RunStartFacts,
  RunStateFacts,
  StepEndFacts,
  StepStartFacts,
} from './facts.ts';

/** The closed list of event types. Noun, then verb. */
export const eventTypes = [
  'run-create',
  'run-start',
  'run-state',
  'run-end',
  'step-start',
  'step-end',
  'attempt-start',
  'attempt-end',
  'log',
  'error',
  'gap',
  'guard-decision',
  'budget-entry',
  'approval-request',
  'approval-decision',
  'message-in',
  'message-out',
  'content-erase',
  'cost-actual',
] as const;

/** One of the closed list of event types. */
export type EventType = (typeof eventTypes)[number];

/** Facts of the types that have them: only numbers, enumerations and our own ids, since a header is never erased. */
export interface FactsByType {
  'run-create': RunCreateFacts;
  'run-start': RunStartFacts;
  'run-state': RunStateFacts;
  'run-end': RunEndFacts;
  'step-start': StepStartFacts;
  'step-end': StepEndFacts;
  'attempt-end': AttemptEndFacts;
  gap: GapFacts;
  'content-erase': ContentEraseFacts;
  'cost-actual': CostActualFacts;
  'budget-entry': BudgetEntryFacts;
}

/** Facts of an event of type `T`, or `null` for the types without. */
export type FactsOf<T extends EventType> = T extends keyof FactsByType ? FactsByType[T] : null;

/**
 * The part of an event that is never erased. Identity is (runId, writerId, n): given at capture, the same
 * wherever the event travels.
 */
export interface EventHeader {
  /** UUIDv7 of the run. */
  readonly runId: string;
  /** 16 hex digits: one process's part in the run. */
  readonly writerId: string;
  /** From 1, gapless per (run, writer). */
  readonly n: number;
  readonly type: EventType;
  /** Unix milliseconds, UTC. */
  readonly timeMs: number;
  readonly stepId: string | null;
  readonly attempt: number | null;
  /** JSON text of the facts, byte for byte as hashed, or `null`. */
  readonly facts: string | null;
}

/**
 * One entry of the append-only record, as written. The payload holds what people and models wrote; when it is
 * erased, payload and salt are `null` and the digest stays, so that the chain still verifies.
 */
export interface RecordedEvent {
  readonly header: EventHeader;
  /** JSON text after redaction, or `null` once erased. */
  readonly payload: string | null;
  /** 16 bytes, or `null` once erased. */
  readonly salt: Uint8Array | null;
  /** SHA-256(salt ‖ payload), 32 bytes. */
  readonly digest: Uint8Array;
  /** SHA-256(previous hash ‖ header ‖ digest), 32 bytes; the first previous hash is 32 zeros. */
  readonly hash: Uint8Array;
}

/** The header that was last written out, for it is asked for twice: by the chain, then by the journal. */
let last: { readonly header: EventHeader | null; readonly text: string } = { header: null, text: '' };

/** The exact bytes of a header that the chain hashes, as text. */
export function headerToText(header: EventHeader): string {
  if (last.header === header) return last.text;
  const { runId, writerId, n, type, timeMs, stepId, attempt, facts } = header;
  const step = stepId === null ? 'null' : `"${stepId}"`;
  const text = `[1,"${runId}","${writerId}",${n},"${type}",${timeMs},${step},${attempt},${facts}]`;
  last = { header, text };
  return text;
}
