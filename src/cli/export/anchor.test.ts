import { describe, expect, it } from 'vitest';
import { seedOf } from '../../../test/run-file/sealed.ts';
import { createSealSigner, firstPrevious } from '../../core/verify/seals.ts';
import { anchorToLine, findAgainstAnchor, parseAnchor, sealToAnchor } from './anchor.ts';

const seal = createSealSigner(seedOf(1)).sign({
  projectId: 'team a/β',
  runId: '01a1fd4e-3103-73d7-9b2f-f470c4d3d434',
  number: 12,
  writers: [],
  timeMs: Date.UTC(2026, 10, 21, 9, 30),
  previous: firstPrevious,
});
const anchor = sealToAnchor(seal);

describe('an anchor', () => {
  it('is one line of plain characters, and reads back also when it was copied by hand', () => {
    const line = anchorToLine(anchor);
    expect(line).toMatch(/^tachograph-anchor\/1 team%20a%2F%CE%B2 12 [0-9a-f]{64} 2026-11-21T09:30:00\.000Z$/);
    expect(parseAnchor(line)).toEqual(anchor);
    expect(parseAnchor(`  ${line.replaceAll(' ', '\n  ')}\r\n`)).toEqual(anchor);
  });

  it('holds for its seal, and for no other digest, number or time', () => {
    expect(findAgainstAnchor(anchor, [seal])).toBeNull();
    expect(findAgainstAnchor(anchor, [])).toMatch(/not here/);
    expect(findAgainstAnchor({ ...anchor, digest: 'a'.repeat(64) }, [seal])).toMatch(/not the one/);
    expect(findAgainstAnchor({ ...anchor, timeMs: 1 }, [seal])).toMatch(/time/);
  });

  it('is refused when it is none', () => {
    for (const line of [
      '',
      'tachograph-anchor/2 a 1',
      anchorToLine(anchor).replace('%2F', '%'),
      `${anchorToLine(anchor)} x`,
    ])
      expect(() => parseAnchor(line)).toThrow(/anchor/);
  });
});
