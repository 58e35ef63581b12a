import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zeroHash } from '../record/chain.ts';
import type { EventType, RecordedEvent } from '../record/event.ts';
import { groupByWriter } from '../verify/chains.ts';
import { checkCompleteness } from '../verify/completeness.ts';
import { countEvent, createTally, tallyToComplete } from './tally.ts';

const runId = '01a1fd4e-3103-73d7-9b2f-f470c4d3d434';

const types: readonly EventType[] = ['step-start', 'step-end', 'attempt-start', 'attempt-end', 'run-end', 'gap', 'log'];

const drafts = fc.array(
  fc.record({
    type: fc.constantFrom(...types),
    writer: fc.constantFrom('a', 'b'),
    step: fc.integer({ min: 0, max: 3 }),
    attempt: fc.integer({ min: 1, max: 2 }),
    isSwept: fc.boolean(),
    skipped: fc.constantFrom(0, 0, 0, 2),
  }),
  { maxLength: 30 },
);

describe('a tally', () => {
  it('answers what checkCompleteness answers, whatever the events', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        const lastByWriter = new Map<string, number>();
        const events = list.map(({ type, writer, step, attempt, isSwept, skipped }): RecordedEvent => {
          const writerId = writer.repeat(16);
          const n = (lastByWriter.get(writerId) ?? 0) + 1 + skipped;
          lastByWriter.set(writerId, n);
          const facts = type === 'run-end' ? `{"swept":${isSwept}}` : type === 'gap' ? `{"events":${step}}` : null;
          const stepId = `01a1fd4e-3103-73d7-9b2f-00000000000${step}`;
          const header = { runId, writerId, n, type, timeMs: 1, stepId, attempt, facts };
          return { header, payload: '{}', salt: new Uint8Array(16), digest: zeroHash, hash: zeroHash };
        });
        const tally = createTally();
        for (const event of events) countEvent(tally, event);
        const holes = [...lastByWriter.values()].reduce((sum, n) => sum + n, 0) - events.length;
        expect(tallyToComplete(tally, holes)).toEqual(checkCompleteness(groupByWriter(events)));
      }),
      { numRuns: 500 },
    );
  });
});
