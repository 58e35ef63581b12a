import type { EventType } from '../record/event.ts';
import type { StoredEvent } from '../store.ts';

/** A part of a run that is erased, the rest of which stays: some of its steps. */
export interface ErasedPart {
  readonly stepIds: ReadonlySet<string>;
}

/** What a run says of itself that names no one's words, or is told in numbers only. */
const keptTypes: ReadonlySet<EventType> = new Set<EventType>(['run-create', 'run-start', 'gap', 'content-erase']);

/**
 * Which of a run's events, in seq order, lose their words: all of them without a part; else those of its steps, and what
 * the run itself said from the first of them on, since its output, errors and logs may repeat them.
 */
export function eventsToErase(events: readonly StoredEvent[], part: ErasedPart | null): ReadonlySet<StoredEvent> {
  if (part === null) return new Set(events);
  const isOfStep = ({ header }: StoredEvent): boolean => header.stepId !== null && part.stepIds.has(header.stepId);
  const first = events.find(isOfStep)?.seq ?? Number.POSITIVE_INFINITY;
  return new Set(
    events.filter(
      (event) =>
        isOfStep(event) || (event.header.stepId === null && event.seq > first && !keptTypes.has(event.header.type)),
    ),
  );
}
