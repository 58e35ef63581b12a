import { epochOf } from '../../src/core/content/context.ts';
import { uuidToMs } from '../../src/core/id.ts';
import type { JournalEntry } from '../../src/core/journal.ts';
import { chainEvent, zeroHash } from '../../src/core/record/chain.ts';
import type { EventType } from '../../src/core/record/event.ts';

/** An entry with one event of a writer of its own: everybody can make one, no key is needed. */
export function createForgedEntry(runId: string, type: EventType, facts: object): JournalEntry {
  const header = {
    runId,
    writerId: 'f'.repeat(16),
    n: 1,
    type,
    timeMs: uuidToMs(runId),
    stepId: null,
    attempt: null,
    facts: JSON.stringify(facts),
  };
  const event = chainEvent({ header, payload: '{}', salt: new Uint8Array(16).fill(1), previous: zeroHash });
  return { epoch: epochOf(uuidToMs(runId)), contents: [], nodes: [], event };
}
