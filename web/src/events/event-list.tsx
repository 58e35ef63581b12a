import type { WireEvent } from '../api/wire.ts';
import { toDuration, toIso } from '../model/figures.ts';
import { EventWords } from './event-words.tsx';

/** Events of a run in the order they were merged, the record as it is. */
export function EventList({ events, originMs }: { events: readonly WireEvent[]; originMs: number }) {
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
            <EventWords event={event} />
          </span>
        </li>
      ))}
    </ol>
  );
}
