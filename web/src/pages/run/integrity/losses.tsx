import type { WireEvent } from '../../../api/wire.ts';
import { toExactCount, toIso } from '../../../model/figures.ts';
import { Words } from '../../../parts/recorded-text.tsx';

interface GapWords {
  readonly reason: string;
  readonly events: number | null;
  readonly timeMs: number;
}

function toGap(event: WireEvent): GapWords {
  const facts = (typeof event.facts === 'object' && event.facts !== null ? event.facts : {}) as Record<string, unknown>;
  const { reason, events } = facts;
  return {
    reason: typeof reason === 'string' ? reason.replaceAll('-', ' ') : 'not told',
    events: typeof events === 'number' ? events : null,
    timeMs: event.timeMs,
  };
}

/** What the recorder lost and told of: when, why, and how many events. */
export function Gaps({ gaps, count }: { gaps: readonly WireEvent[]; count: number }) {
  return (
    <table className="table">
      <caption>
        {gaps.length < count ? `The first ${gaps.length} of ${toExactCount(count)} gaps` : 'Gaps the recorder told of'}
      </caption>
      <thead>
        <tr>
          <th scope="col">Told at</th>
          <th scope="col">Reason</th>
          <th scope="col" className="num">
            Events lost
          </th>
        </tr>
      </thead>
      <tbody>
        {gaps.map((event) => {
          const gap = toGap(event);
          return (
            <tr key={event.seq}>
              <td>{toIso(gap.timeMs).slice(11, 19)}</td>
              <td>
                <Words text={gap.reason} charsMax={60} />
              </td>
              <td className="num bad">{toExactCount(gap.events)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What redaction took out before anything was kept, by kind. */
export function Redactions({
  redactions,
  isErased,
}: {
  redactions: Readonly<Record<string, number>>;
  isErased: boolean;
}) {
  const kinds = Object.entries(redactions).sort(([, a], [, b]) => b - a);
  if (kinds.length === 0 && isErased)
    return <p className="faint">What was counted went with the words that were erased.</p>;
  if (kinds.length === 0) return <p className="faint">Redaction found nothing to take out.</p>;
  return (
    <ul className="kind-list" aria-label="Redactions by kind">
      {kinds.map(([kind, count]) => (
        <li key={kind}>
          <Words text={kind} charsMax={60} /> <strong className="num">{toExactCount(count)}</strong>
        </li>
      ))}
    </ul>
  );
}
