import { describe, expect, it } from 'vitest';
import { createIdSource } from '../id.ts';
import { chainEvent, zeroHash } from '../record/chain.ts';
import type { EventType, RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import { checkLedger, checkSealChain } from './ledger.ts';
import { createSealSigner, firstPrevious, sealToDigest } from './seals.ts';
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

function sealOf(
  events: readonly RecordedEvent[],
  by = signer,
  { number = 1, previous = firstPrevious, isErased = false } = {},
): Seal {
  const last = new Map(events.map((event) => [event.header.writerId, event]));
  const writers = [...last.values()].map((event) => ({
    writerId: event.header.writerId,
    count: event.header.n,
    head: Buffer.from(event.hash).toString('hex'),
    erased: isErased ? event.header.n : 0,
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
    const first = sealOf(events);
    const seals = [first, sealOf(events, signer, { number: 2, previous: sealToDigest(first), isErased: true })];
    const erased = events.map((event) => ({ ...event, payload: null, salt: null }));
    expect(verify(erased, seals).intact).toMatchObject({ verdict: 'intact', erased: 6 });
  });

  it('calls words edited that went without a seal that says so', () => {
    const events = record();
    const strip = (event: RecordedEvent): RecordedEvent => ({ ...event, payload: null, salt: null });
    const seal = sealOf(events);
    for (const [index, { header }] of events.entries()) {
      const { intact } = verify(events.with(index, strip(events[index]!)), [seal]);
      expect(intact).toMatchObject({ verdict: 'edited', writerId: header.writerId, n: header.n });
    }
    const claimed = { ...seal, writers: seal.writers.map((writer) => ({ ...writer, erased: writer.count })) };
    for (const seals of [[], [seal], [claimed], [sealOf(events, stranger, { isErased: true })]])
      expect(verify(events.map(strip), seals).intact).toMatchObject({ verdict: 'edited', n: 1 });
    const part = sealOf(events.slice(0, 2), signer, { isErased: true });
    expect(verify(events.map(strip), [part]).intact).toMatchObject({ verdict: 'edited', n: 3 });
  });

  it('calls a header edited whose fields are not of their kind, though its text hashes the same', () => {
    const facts = '{"status":"failed","responseStatus":200}';
    const [event] = chainOf('d'.repeat(16), [['attempt-end', facts, step]]) as [RecordedEvent];
    const header = { ...event.header, attempt: 1 };
    const sound = chainEvent({ header, payload: '{}', salt: event.salt!, previous: zeroHash });
    const joined = {
      ...sound,
      header: { ...header, attempt: '1,{"status":"failed"' as unknown as number, facts: '"responseStatus":200}' },
    };
    expect(verify([sound], [sealOf([sound])]).intact.verdict).toBe('intact');
    expect(verify([joined], [sealOf([sound])]).intact).toMatchObject({ verdict: 'edited', n: 1 });
    const asText = { ...sound, header: { ...header, timeMs: '1' as unknown as number } };
    expect(verify([asText], [sealOf([sound])]).intact).toMatchObject({ verdict: 'edited', n: 1 });
  });

  it('refuses the seal of another run', () => {
    const events = record();
    const { signature: _signature, ...seal } = sealOf(events);
    const other = signer.sign({ ...seal, runId: ids.uuid() });
    expect(verify(events, [other]).intact.verdict).toBe('bad-signature');
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
    const second = sealOf(events, signer, { number: 2, previous: sealToDigest(first) });
    expect(checkSealChain([first, second])).toBeNull();
    expect(checkSealChain([second])).toMatchObject({ verdict: 'missing' });
    expect(checkSealChain([first, { ...second, previous: firstPrevious }])).toMatchObject({ verdict: 'bad-signature' });
    expect(checkSealChain([{ ...first, timeMs: 9 }, second])).toMatchObject({ verdict: 'bad-signature' });
  });

  it('finds a list that was shortened, emptied or rewritten by the head that is known elsewhere', () => {
    const events = record();
    const first = sealOf(events);
    const second = sealOf(events, signer, { number: 2, previous: sealToDigest(first) });
    const head = { number: 2, digest: sealToDigest(second) };
    const trust = { publicKey: signer.publicKey, head };
    expect(checkSealChain([first, second], trust)).toBeNull();
    expect(checkSealChain([first], trust)).toMatchObject({ verdict: 'missing' });
    expect(checkSealChain([], trust)).toMatchObject({ verdict: 'missing' });
    const other = sealOf(record(), signer, { number: 2, previous: sealToDigest(first) });
    expect(checkSealChain([first, other], trust)).toMatchObject({ verdict: 'edited' });
    // Before the head its digest is proof enough; beyond it, every seal must be signed by the key.
    const short = { ...trust, head: { number: 1, digest: sealToDigest(first) } };
    const forged = sealOf(events, stranger, { number: 2, previous: sealToDigest(first) });
    expect(checkSealChain([first, forged], short)).toMatchObject({ verdict: 'bad-signature' });
    expect(checkSealChain([first, { ...second, signature: '00' }], short)).toMatchObject({ verdict: 'bad-signature' });
    // The head is written after the seal: the store may be ahead.
    expect(checkSealChain([first, second], { ...trust, head: { number: 1, digest: sealToDigest(first) } })).toBeNull();
    expect(checkLedger({ count: 2, newest: second }, head)).toBeNull();
    expect(checkLedger({ count: 2, newest: second }, null)).toBeNull();
    expect(checkLedger({ count: 0, newest: null }, null)).toBeNull();
    expect(checkLedger({ count: 1, newest: second }, head)).toMatchObject({ verdict: 'missing' });
    expect(checkLedger({ count: 1, newest: first }, head)).toMatchObject({ verdict: 'missing' });
    expect(checkLedger({ count: 0, newest: null }, head)).toMatchObject({ verdict: 'missing' });
    expect(checkLedger({ count: 2, newest: other }, head)).toMatchObject({ verdict: 'edited' });
  });
});
