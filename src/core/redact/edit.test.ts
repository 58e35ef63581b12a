import { describe, expect, it } from 'vitest';
import { applyEdits, createTally, joinFindings, settle } from './edit.ts';

describe('joining findings', () => {
  it('puts them in order and keeps those apart that only touch', () => {
    const [a, b] = [
      { start: 0, end: 5, kind: 'a' },
      { start: 5, end: 9, kind: 'b' },
    ];
    expect(joinFindings([b, a])).toEqual([a, b]);
  });

  it('of two that overlap in part the whole span goes, under the kind of the longer', () => {
    expect(
      joinFindings([
        { start: 0, end: 5, kind: 'short' },
        { start: 3, end: 20, kind: 'long' },
      ]),
    ).toEqual([{ start: 0, end: 20, kind: 'long' }]);
  });

  it('of two with one span the first given names the kind', () => {
    expect(
      joinFindings([
        { start: 2, end: 5, kind: 'first' },
        { start: 2, end: 5, kind: 'second' },
      ]),
    ).toEqual([{ start: 2, end: 5, kind: 'first' }]);
  });

  it('a secret inside something dropped is dropped with it', () => {
    const dropped = { start: 0, end: 9, kind: 'url-user', isDropped: true };
    expect(joinFindings([{ start: 3, end: 8, kind: 'jwt' }, dropped])).toEqual([dropped]);
  });
});

describe('settling', () => {
  it('applies edits from left to right and leaves the rest alone', () => {
    const edits = [
      { start: 1, end: 2, replacement: 'XX', kind: 'x' },
      { start: 3, end: 3, replacement: 'Y', kind: 'y' },
    ];
    expect(applyEdits('abcd', edits)).toBe('aXXcYd');
  });

  it('goes on until nothing is found, and counts every edit', () => {
    const tally = createTally();
    const find = (text: string): { start: number; end: number; replacement: string; kind: string }[] =>
      text.includes('((')
        ? [{ start: text.indexOf('(('), end: text.indexOf('((') + 2, replacement: '(', kind: 'pair' }]
        : [];
    expect(settle('((((', tally, find)).toBe('(');
    expect(tally.counts()).toEqual({ pair: 3 });
  });

  it('a text that never comes to rest is an error, which the caller answers by withholding', () => {
    const endless = (text: string): { start: number; end: number; replacement: string; kind: string }[] => [
      { start: 0, end: 0, replacement: text.slice(0, 1), kind: 'x' },
    ];
    expect(() => settle('a', createTally(), endless)).toThrow('did not come to rest');
  });
});
