import type { WireEvent } from '../api/wire.ts';
import { toDuration, toIso } from '../model/figures.ts';
import { EventWords } from './event-words.tsx';

interface EventListProps {
  readonly events: readonly WireEvent[];
  readonly originMs: number;
  /** Number of a step, as far as it is read. */
  readonly numberOf: (stepId: string) => number | null;
  readonly onStep: (number: number) => void;
}

function StepLink({ event, numberOf, onStep }: { event: WireEvent } & Pick<EventListProps, 'numberOf' | 'onStep'>) {
  const number = event.stepId === null ? null : numberOf(event.stepId);
  if (number === null) return null;
  return (
    <button type="button" className="link-button event-step" onClick={() => onStep(number)}>
      step {number}
    </button>
  );
}

/** Events of a run in the order they were merged, the record as it is. */
export function EventList({ events, originMs, numberOf, onStep }: EventListProps) {
  return (
    <ol className="event-list">
      {events.map((event) => (
        <li key={event.seq} className={`event event-${event.type}`}>
          <span className="num faint" title={`writer ${event.writerId}, number ${event.n}`}>
            {event.seq}
          </span>
          <span className="num muted" title={toIso(event.timeMs)}>
            +{toDuration(Math.max(0, event.timeMs - originMs))}
          </span>
          <span className="event-type">{event.type}</span>
          <span className="event-words">
            <StepLink event={event} numberOf={numberOf} onStep={onStep} />
            <EventWords event={event} />
          </span>
        </li>
      ))}
    </ol>
  );
}
