import type { ContentEraseFacts } from '../record/facts.ts';
import type { StoredEvent } from '../store.ts';

/** Erasures of a project that a store keeps notes of: what a home that was away for long must know when it comes back. */
export const erasureNotesMax = 100_000;

/** The newest erasure of a run, as its tombstone tells. */
export interface Tombstone {
  readonly scope: ContentEraseFacts['scope'];
  /** When the erasure was asked for, Unix milliseconds; `null` when the tombstone does not tell, or lost its own words. */
  readonly askedAtMs: number | null;
}

interface TombstoneWords {
  readonly tookMs?: unknown;
}

/** The newest tombstone among events in seq order, or `null`. */
export function findTombstone(events: readonly StoredEvent[]): Tombstone | null {
  const event = events.findLast(({ header }) => header.type === 'content-erase');
  if (event === undefined) return null;
  const { tookMs } = JSON.parse(event.payload ?? '{}') as TombstoneWords;
  const { scope } = JSON.parse(event.header.facts ?? '{}') as ContentEraseFacts;
  return { scope, askedAtMs: typeof tookMs === 'number' ? event.header.timeMs - tookMs : null };
}

/**
 * The tombstone of a run that was erased whole and has words again which were captured before that was asked for: its recorder
 * had not sent them yet. `null` for every other run. Times are the recorder's own; words said later stay.
 */
export function findLateWords(events: readonly StoredEvent[]): Tombstone | null {
  if (events[0]?.payload !== null) return null;
  const tombstone = findTombstone(events);
  const askedAtMs = tombstone?.askedAtMs ?? null;
  if (askedAtMs === null) return null;
  const isLate = ({ header, payload }: StoredEvent): boolean =>
    payload !== null && header.type !== 'content-erase' && header.timeMs < askedAtMs;
  return events.some(isLate) ? tombstone : null;
}
