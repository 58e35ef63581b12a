import { isUuid } from '../id.ts';
import { eventHash, payloadDigest, zeroHash } from '../record/chain.ts';
import type { EventHeader, RecordedEvent } from '../record/event.ts';
import type { SealedWriter } from '../record/seal.ts';
import { isSealedWordless } from '../record/seal.ts';
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

/** What one seal says of a writer's erased words. */
export type Erased = Pick<SealedWriter, 'erased' | 'spared'>;

/** What the holder of the key says of erased words, by writer; no entry for none. */
export type ErasedByWriter = ReadonlyMap<string, readonly Erased[]>;

/** True when the holder of the key said that the words of this event were dropped. */
export function isErasedBySeal(erasedByWriter: ErasedByWriter, writerId: string, n: number): boolean {
  return erasedByWriter.get(writerId)?.some((erased) => isSealedWordless(erased, n)) === true;
}

function checkWords(event: RecordedEvent, erased: ErasedByWriter): Finding | null {
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
  if (event.payload === null && !isErasedBySeal(erased, writerId, n))
    return at('edited', event, `Event ${n} of writer ${writerId} lost its words, and no seal tells of an erasure.`);
  return null;
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null;
  } catch {
    // Half an object is none.
    return false;
  }
}

const namePattern = /^[0-9a-z-]+$/;

/**
 * True when each field of a header is of its own kind. The hash covers the header's text, in which a text in the column
 * of a number could carry a part of the facts along; of sound fields the text can be made in one way only.
 */
function isHeaderSound({ runId, writerId, n, type, timeMs, stepId, attempt, facts }: EventHeader): boolean {
  return (
    [runId, writerId, type].every((name) => typeof name === 'string' && namePattern.test(name)) &&
    Number.isSafeInteger(n) &&
    n > 0 &&
    Number.isFinite(timeMs) &&
    (stepId === null || isUuid(stepId)) &&
    (attempt === null || Number.isSafeInteger(attempt)) &&
    (facts === null || isObjectText(facts))
  );
}

function checkEvent(event: RecordedEvent, previous: Uint8Array | null, erased: ErasedByWriter): Finding | null {
  const { writerId, n } = event.header;
  if (!isHeaderSound(event.header))
    return at('edited', event, `The header of event ${n} of writer ${writerId} is none that was ever recorded.`);
  const finding = checkWords(event, erased);
  if (finding !== null) return finding;
  if (previous !== null && !isSame(eventHash(previous, event.header, event.digest), event.hash)) {
    return at('edited', event, `Event ${n} of writer ${writerId} does not follow from the one before it.`);
  }
  return null;
}

function checkWriter(events: readonly RecordedEvent[], erased: ErasedByWriter): Finding | null {
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
    const finding = checkEvent(event, previous, erased);
    if (finding !== null) return hole ?? finding;
    previous = event.hash;
    expected = n + 1;
  }
  return hole;
}

/** The first bad event of a run's chains, or `null` when every chain verifies from its first event on. */
export function checkChains(
  byWriter: ReadonlyMap<string, readonly RecordedEvent[]>,
  erasedByWriter: ErasedByWriter = new Map(),
): Finding | null {
  for (const events of byWriter.values()) {
    const finding = checkWriter(events, erasedByWriter);
    if (finding !== null) return finding;
  }
  return null;
}
