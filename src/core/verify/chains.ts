import { eventHash, payloadDigest, zeroHash } from '../record/chain.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Finding } from './verdict.ts';

/** Events of one run by writer, each in the order of n. */
export function groupByWriter(events: readonly RecordedEvent[]): ReadonlyMap<string, readonly RecordedEvent[]> {
  const byWriter = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const list = byWriter.get(event.header.writerId);
    if (list === undefined) byWriter.set(event.header.writerId, [event]);
    else list.push(event);
  }
  for (const list of byWriter.values()) list.sort((a, b) => a.header.n - b.header.n);
  return byWriter;
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

function at(verdict: Finding['verdict'], event: RecordedEvent, message: string): Finding {
  return { verdict, writerId: event.header.writerId, n: event.header.n, message };
}

function checkEvent(event: RecordedEvent, previous: Uint8Array | null): Finding | null {
  const { writerId, n } = event.header;
  if (
    event.payload !== null &&
    event.salt !== null &&
    !isSame(payloadDigest(event.salt, event.payload), event.digest)
  ) {
    return at('edited', event, `The payload of event ${n} of writer ${writerId} is not what was recorded.`);
  }
  if ((event.payload === null) !== (event.salt === null)) {
    return at('edited', event, `Event ${n} of writer ${writerId} lost its payload without an erasure.`);
  }
  if (previous !== null && !isSame(eventHash(previous, event.header, event.digest), event.hash)) {
    return at('edited', event, `Event ${n} of writer ${writerId} does not follow from the one before it.`);
  }
  return null;
}

function checkWriter(events: readonly RecordedEvent[]): Finding | null {
  let previous: Uint8Array | null = zeroHash;
  let expected = 1;
  let hole: Finding | null = null;
  for (const event of events) {
    const { writerId, n } = event.header;
    if (n !== expected) {
      const range = n - 1 === expected ? `${expected}` : `${expected}..${n - 1}`;
      hole ??= {
        verdict: 'missing',
        writerId,
        n: expected,
        message: `Event ${range} of writer ${writerId} is missing.`,
      };
      // What followed a hole cannot be linked to what was before it; its own bytes are still checked.
      previous = null;
    }
    const finding = checkEvent(event, previous);
    if (finding !== null) return hole ?? finding;
    previous = event.hash;
    expected = n + 1;
  }
  return hole;
}

/** The first bad event of a run's chains, or `null` when every chain verifies from its first event on. */
export function checkChains(byWriter: ReadonlyMap<string, readonly RecordedEvent[]>): Finding | null {
  for (const events of byWriter.values()) {
    const finding = checkWriter(events);
    if (finding !== null) return finding;
  }
  return null;
}
