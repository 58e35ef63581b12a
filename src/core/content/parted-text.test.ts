import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartedText } from './parted-text.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', '}', ',', '{', 'é', '😀'), maxLength: 12 });
const parts = fc.array(text, { maxLength: 6 });

/** The common prefix, letter by letter. */
function sharedLetters(a: string, b: string): number {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at += 1;
  return at > 0 && /[\ud800-\udbff]$/.test(a.slice(0, at)) ? at - 1 : at;
}

describe('a text in parts', () => {
  it('is cut, searched and measured as if it were one', () => {
    fc.assert(
      fc.property(parts, fc.nat(80), fc.nat(80), (list, from, to) => {
        const whole = list.join('');
        const parted = new PartedText(list);
        expect(parted.toString()).toBe(whole);
        expect(parted.length).toBe(whole.length);
        expect(parted.bytes).toBe(Buffer.byteLength(whole.toWellFormed()));
        expect(parted.slice(from, to)).toBe(whole.slice(from, Math.max(from, to)));
        expect(parted.lastIndexOf('},{', from)).toBe(from === 0 ? -1 : whole.lastIndexOf('},{', from - 1));
        const at = Math.min(from, whole.length);
        expect(parted.withRest(at, 'rest').toString()).toBe(`${whole.slice(0, at)}rest`);
      }),
      { numRuns: 500 },
    );
  });

  it('shares a beginning with another however both are parted', () => {
    fc.assert(
      fc.property(parts, parts, parts, (same, one, other) => {
        const a = new PartedText([...same, ...one]);
        const b = new PartedText([same.join(''), ...other]);
        const c = new PartedText([...same, ...other]);
        const shared = sharedLetters(a.toString(), b.toString());
        expect(a.sharedWith(b)).toBe(shared);
        expect(b.sharedWith(a)).toBe(shared);
        expect(a.sharedWith(c)).toBe(shared);
      }),
      { numRuns: 500 },
    );
  });

  it('never shares half a pair, nor loses count past a window', () => {
    expect(new PartedText(['a😀']).sharedWith(new PartedText(['a😁']))).toBe(1);
    expect(new PartedText(['same']).sharedWith(new PartedText(['same']))).toBe(4);
    const long = 'x'.repeat(9000);
    expect(new PartedText([long]).sharedWith(new PartedText([`${'x'.repeat(8999)}y`]))).toBe(8999);
    expect(new PartedText([long, 'y']).sharedWith(new PartedText([`${long}y`, 'z']))).toBe(9001);
    expect(new PartedText(['},{', long]).lastIndexOf('},{', 9003)).toBe(0);
  });
});
