import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chainEvent, zeroHash } from './chain.ts';
import { headerToText, type EventHeader } from './event.ts';

const header: EventHeader = {
  runId: '01932c07-1111-7abc-8def-0123456789ab',
  writerId: '0123456789abcdef',
  n: 1,
  type: 'run-end',
  timeMs: 1_763_700_000_000,
  stepId: null,
  attempt: null,
  facts: '{"endReason":"ok","durationMs":12.5,"swept":false}',
};

const sha = (...parts: (Uint8Array | string)[]) => {
  const h = createHash('sha256');
  for (const part of parts) h.update(part);
  return h.digest('hex');
};

describe('chain', () => {
  it('hashes previous, header and payload digest in two levels', () => {
    const salt = new Uint8Array(16).fill(7);
    const event = chainEvent({ header, payload: '{"ü":"\u{1F600}"}', salt, previous: zeroHash });
    const digest = sha(salt, '{"ü":"\u{1F600}"}');
    expect(Buffer.from(event.digest).toString('hex')).toBe(digest);
    expect(Buffer.from(event.hash).toString('hex')).toBe(
      sha(zeroHash, headerToText(header), Buffer.from(digest, 'hex')),
    );
  });

  it('writes the header as one JSON line that parses back', () => {
    expect(headerToText(header)).toBe(
      '[1,"01932c07-1111-7abc-8def-0123456789ab","0123456789abcdef",1,"run-end",1763700000000,null,null,{"endReason":"ok","durationMs":12.5,"swept":false}]',
    );
    expect(JSON.parse(headerToText({ ...header, stepId: header.runId, attempt: 3, facts: null }))).toHaveLength(9);
  });

  it('gives another hash for every changed field', () => {
    const salt = new Uint8Array(16);
    const base = chainEvent({ header, payload: '{}', salt, previous: zeroHash }).hash;
    const changes: Partial<EventHeader>[] = [{ n: 2 }, { timeMs: 1 }, { type: 'log' }, { attempt: 1 }, { facts: null }];
    for (const change of changes) {
      const other = chainEvent({ header: { ...header, ...change }, payload: '{}', salt, previous: zeroHash });
      expect(other.hash).not.toEqual(base);
    }
  });
});
