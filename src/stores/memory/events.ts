import type { ErasedPart } from '../../core/life/erased-part.ts';
import { eventsToErase } from '../../core/life/erased-part.ts';
import type { RunPlace, StoredEvent, WriterHead } from '../../core/store.ts';
import type { ProjectState, RunState } from './state.ts';

/** Events of a run by seq, which they are kept in. */
export function listEvents(run: RunState, options: { fromSeq: number; limit: number }): StoredEvent[] {
  return run.events.filter((event) => event.seq >= options.fromSeq).slice(0, Math.max(0, options.limit));
}

/** Events of several runs, each from a seq of its own on. */
export function listEventsOfRuns(project: ProjectState, places: readonly RunPlace[]): Map<string, StoredEvent[]> {
  const eventsByRun = new Map<string, StoredEvent[]>();
  for (const { runId, fromSeq } of places) {
    const run = project.runById.get(runId);
    const events = run === undefined ? [] : listEvents(run, { fromSeq, limit: Infinity });
    if (events.length > 0) eventsByRun.set(runId, events);
  }
  return eventsByRun;
}

/** Drops the words of events of a run, of all without a part; how many had any. Headers, facts, digests and hashes stay. */
export function eraseEvents(run: RunState, part: ErasedPart | null): number {
  const leaving = eventsToErase(run.events, part);
  const count = [...leaving].filter((event) => event.payload !== null).length;
  run.events = run.events.map((event) => (leaving.has(event) ? { ...event, payload: null, salt: null } : event));
  return count;
}

/** Heads of a run's writers, by the order in which they came. */
export function listWriters(run: RunState): WriterHead[] {
  return [...run.writerById.values()];
}
