import type { StoredEvent, WriterHead } from '../../core/store.ts';
import type { RunState } from './state.ts';

/** Events of a run by seq, which they are kept in. */
export function listEvents(run: RunState, options: { fromSeq: number; limit: number }): StoredEvent[] {
  return run.events.filter((event) => event.seq >= options.fromSeq).slice(0, Math.max(0, options.limit));
}

/** Drops the words of all events of a run; how many had any. Headers, facts, digests and hashes stay. */
export function eraseEvents(run: RunState): number {
  const count = run.events.filter((event) => event.payload !== null).length;
  run.events = run.events.map((event) => ({ ...event, payload: null, salt: null }));
  return count;
}

/** Heads of a run's writers, by the order in which they came. */
export function listWriters(run: RunState): WriterHead[] {
  return [...run.writerById.values()];
}
