import { describe, expect, it } from 'vitest';
import { createIdSource } from '../id.ts';
import { chainEvent, zeroHash } from '../record/chain.ts';
import type { EventType, RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import { checkSealChain, createSealSigner, firstPrevious, sealToDigest } from './seals.ts';
import { verifyRun } from './verify.ts';

const ids = createIdSource();
const runId = ids.uuid();
const signer = createSealSigner(new Uint8Array(32).fill(7));
const stranger = createSealSigner(new Uint8Array(32).fill(8));

function chainOf(
  writerId: string,
  types: readonly (readonly [EventType, string | null, string | null])[],
): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  let previous = zeroHash;
  for (const [type, facts, stepId] of types) {
    const header = { runId, writerId, n: events.length + 1, type, timeMs: 1, stepId, attempt: null, facts };
    const event = chainEvent({ header, payload: `{"word":"${type}"}`, salt: ids.random(16), previous });
    previous = event.hash;
    events.push(event);
  }
  return events;
}

const end = '{"endReason":"ok","durationMs":1,"swept":false}';
const step = ids.uuid();
const record = (): RecordedEvent[] => [
  ...chainOf('a'.repeat(16), [
    ['run-create', null, null],
    ['step-start', null, step],
    ['step-end', null, step],
    ['run-end', end, null],
  ]),
  ...chainOf('b'.repeat(16), [
    ['log', null, null],
    ['log', null, null],
  ]),
];

function sealOf(events: readonly RecordedEvent[], by = signer, number = 1, previous = firstPrevious): Seal {
  const last = new Map(events.map((event) => [event.header.writerId, event]));
  const writers = [...last.values()].map((event) => ({
    writerId: event.header.writerId,
    count: event.header.n,
    head: Buffer.from(event.hash).toString('hex'),
  }));
  return by.sign({ projectId: 'default', runId, number, writers, timeMs: 5, previous });
}

const verify = (
  events: readonly RecordedEvent[],
  seals: readonly Seal[],
  trustedKey: string | null = signer.publicKey,
) => verifyRun({ events, seals, trustedKey, contentFinding: null });

describe('verify (I6)', () => {
  it('calls a sealed record intact and complete', () => {
    const events = record();
    expect(verify(events, [sealOf(events)])).toMatchObject({
      intact: { verdict: 'intact' },
      complete: { verdict: 'complete' },
      events: 6,
      seals: 1,
    });
  });

  it('names the first bad event for every change to any event', () => {
    const events = record();
    const seal = sealOf(events);
    const changes: ((event: RecordedEvent) => RecordedEvent)[] = [
      (event) => ({ ...event, payload: `${event.payload} ` }),
      (event) => ({ ...event, salt: new Uint8Array(16) }),
      (event) => ({ ...event, digest: new Uint8Array(32) }),
      (event) => ({ ...event, hash: new Uint8Array(32) }),
      (event) => ({ ...event, header: { ...event.header, timeMs: 2 } }),
      (event) => ({ ...event, header: { ...event.header, facts: '{"a":1}' } }),
      (event) => ({ ...event, payload: null }),
    ];
    for (const [index, original] of events.entries()) {
      for (const change of changes) {
        const { intact } = verify(events.with(index, change(original)), [seal]);
        expect(intact).toMatchObject({ verdict: 'edited', writerId: original.header.writerId, n: original.header.n });
      }
    }
  });

  it('finds a rewritten chain by its seal', () => {
    const events = record();
    const seal = sealOf(events);
    const rewritten = record().map((event) => event);
    expect(verify(rewritten, [seal]).intact).toMatchObject({ verdict: 'edited', n: 4 });
  });

  it('tells a hole, a cut end and a swapped event from each other', () => {
    const events = record();
    const seal = sealOf(events);
    expect(verify(events.toSpliced(1, 1), [seal]).intact).toMatchObject({ verdict: 'missing', n: 2 });
    expect(verify(events.slice(0, 5), [seal]).intact).toMatchObject({ verdict: 'truncated', n: 2 });
    expect(verify(events.toSpliced(3, 1), [seal]).intact).toMatchObject({ verdict: 'truncated', n: 4 });
    expect(verify([], [seal]).intact.verdict).toBe('no-events');
  });

  it('refuses a forged signature, another key and a changed seal', () => {
    const events = record();
    const seal = sealOf(events);
    expect(verify(events, [{ ...seal, timeMs: 6 }]).intact.verdict).toBe('bad-signature');
    expect(verify(events, [{ ...seal, signature: 'zz' }]).intact.verdict).toBe('bad-signature');
    expect(verify(events, [sealOf(events, stranger)]).intact.verdict).toBe('bad-signature');
    expect(verify(events, [sealOf(events, stranger)], null).intact.verdict).toBe('intact');
  });

  it('says which events no seal covers', () => {
    const events = record();
    expect(verify(events, []).intact.verdict).toBe('unsealed');
    expect(verify(events, [sealOf(events.slice(0, 5))]).intact).toMatchObject({ verdict: 'unsealed' });
  });

  it('still verifies when words were erased, and counts them', () => {
    const events = record();
    const seal = sealOf(events);
    const erased = events.map((event) => ({ ...event, payload: null, salt: null }));
    expect(verify(erased, [seal]).intact).toMatchObject({ verdict: 'intact', erased: 6 });
  });

  it('calls a record incomplete for every begin without an end, gap, hole or sweep', () => {
    const open = chainOf('c'.repeat(16), [
      ['run-create', null, null],
      ['step-start', null, step],
    ]);
    expect(verify(open, []).complete).toMatchObject({ verdict: 'incomplete', openSteps: 1, closed: false });
    const gap = '{"reason":"disk-full","events":3,"contents":0,"bytes":1,"sinceMs":1,"untilMs":2}';
    const lost = chainOf('c'.repeat(16), [
      ['run-create', null, null],
      ['gap', gap, null],
      ['run-end', end, null],
    ]);
    expect(verify(lost, []).complete).toMatchObject({ verdict: 'incomplete', gaps: 1, lost: 3, closed: true });
    const swept = chainOf('c'.repeat(16), [
      ['run-create', null, null],
      ['run-end', '{"endReason":"interrupted","durationMs":null,"swept":true}', null],
    ]);
    expect(verify(swept, []).complete).toMatchObject({ verdict: 'incomplete', closed: true });
  });
});

describe('seal chain', () => {
  it('finds a missing, swapped or altered seal of a project', () => {
    const events = record();
    const first = sealOf(events);
    const second = sealOf(events, signer, 2, sealToDigest(first));
    expect(checkSealChain([first, second])).toBeNull();
    expect(checkSealChain([second])).toMatchObject({ verdict: 'missing' });
    expect(checkSealChain([first, { ...second, previous: firstPrevious }])).toMatchObject({ verdict: 'bad-signature' });
    expect(checkSealChain([{ ...first, timeMs: 9 }, second])).toMatchObject({ verdict: 'bad-signature' });
  });
});
