import type { RunView } from '../../core/model/run.ts';
import type { StoredEvent } from '../../core/store.ts';
import type { Surroundings } from '../surroundings.ts';
import type { WireEvent } from '../wire.ts';

/**
 * Recorded JSON text as it stands in an answer: byte for byte, so that number text and key order reach the reader as
 * they were recorded. Text that is no JSON is shown as `{error, raw}`.
 */
function recordedToJson(text: string | null): string {
  if (text === null) return 'null';
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify({ error: 'malformed', raw: text });
  }
}

/** An event as the JSON text of a WireEvent. */
export function eventToJson(event: StoredEvent): string {
  const { writerId, n, type, timeMs, stepId, attempt, facts } = event.header;
  const head = JSON.stringify({ seq: event.seq, writerId, n, type, timeMs, stepId, attempt });
  const hash = Buffer.from(event.hash).toString('hex');
  return `${head.slice(0, -1)},"facts":${recordedToJson(facts)},"payload":${recordedToJson(event.payload)},"hash":"${hash}"}`;
}

const pageEvents = 2000;
const gapsMax = 100;

/** The gap events of a run, at most 100, first ones first. Reads nothing when the run counts none. */
export async function readGaps(
  around: Pick<Surroundings, 'store' | 'projectId'>,
  run: RunView,
): Promise<readonly WireEvent[]> {
  const wanted = Math.min(run.counts.gaps, gapsMax);
  const gaps: WireEvent[] = [];
  for (let fromSeq = 1; gaps.length < wanted;) {
    const events = await around.store.listEvents(around.projectId, run.id, { fromSeq, limit: pageEvents });
    for (const event of events) if (event.header.type === 'gap') gaps.push(JSON.parse(eventToJson(event)) as WireEvent);
    if (events.length < pageEvents) break;
    fromSeq = events.at(-1)!.seq + 1;
  }
  return gaps.slice(0, wanted);
}
