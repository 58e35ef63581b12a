import type { Content } from '../content/content.ts';
import type { ContextNode } from '../content/context.ts';
import type { Seal } from '../record/seal.ts';
import type { ErasedByWriter } from '../verify/chains.ts';
import type { Finding } from '../verify/verdict.ts';
import type { Closing, Manifest } from './line.ts';
import type { Tally } from './tally.ts';
import { createTally } from './tally.ts';

/** What was read since the last event and belongs to the next. */
export type Pending =
  | { readonly kind: 'content'; readonly id: string; readonly content: Content | null }
  | {
      readonly kind: 'context';
      readonly id: string;
      /** `null`: named by the event, and absent. */
      readonly nodes: readonly ContextNode[] | null;
    };

/** How far one writer was read. */
export interface WriterRead {
  n: number;
  events: number;
  hash: Uint8Array;
}

/** A place in a record: an event by its writer and number. */
export interface EventPlace {
  readonly writerId: string;
  readonly n: number;
}

/**
 * How far a run file was read. Of events it keeps the heads of the writers, of contents and nodes the ids: bytes are
 * gone as soon as the event they belong to was taken.
 */
export interface ReadState {
  manifest: Manifest | null;
  readonly seals: Seal[];
  /** Heads that seals know, by `writer/n`. */
  readonly headsByPlace: Map<string, { readonly number: number; readonly head: string }[]>;
  readonly coveredByWriter: Map<string, number>;
  erasedByWriter: ErasedByWriter;
  readonly contentIds: Set<string>;
  readonly depthByNode: Map<string, number>;
  /** In the order of the file; what is pending is in none of the two above, but in the two below. */
  pending: Pending[];
  readonly pendingContentIds: Set<string>;
  pendingBytes: number;
  readonly pendingDepthByNode: Map<string, number>;
  readonly readByWriter: Map<string, WriterRead>;
  readonly tally: Tally;
  last: EventPlace | null;
  events: number;
  erased: number;
  unsealed: number;
  /** The first thing found against the record. */
  finding: Finding | null;
  /** The first one that is more than something missing. */
  change: Finding | null;
  closing: Closing | null;
}

/** The state before the first line. */
export function createReadState(): ReadState {
  return {
    manifest: null,
    seals: [],
    headsByPlace: new Map(),
    coveredByWriter: new Map(),
    erasedByWriter: new Map(),
    contentIds: new Set(),
    depthByNode: new Map(),
    pending: [],
    pendingContentIds: new Set(),
    pendingBytes: 0,
    pendingDepthByNode: new Map(),
    readByWriter: new Map(),
    tally: createTally(),
    last: null,
    events: 0,
    erased: 0,
    unsealed: 0,
    finding: null,
    change: null,
    closing: null,
  };
}

/**
 * The event that comes next, as far as it can be told: the next one of the only writer that has any left, else of the
 * writer that wrote last. `null` before the first line and behind the last event.
 */
export function nextPlace(state: ReadState): EventPlace | null {
  const left = (state.manifest?.writers ?? []).filter(
    ({ writerId, last }) => (state.readByWriter.get(writerId)?.n ?? 0) < last,
  );
  const next = left.find(({ writerId }) => left.length === 1 || writerId === state.last?.writerId) ?? left[0];
  return next === undefined
    ? null
    : { writerId: next.writerId, n: (state.readByWriter.get(next.writerId)?.n ?? 0) + 1 };
}
