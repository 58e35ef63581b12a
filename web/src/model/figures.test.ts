import { describe, expect, it } from 'vitest';
import { toCost, toCount, toDuration, toSize, toTickLabel, toTokens } from './figures.ts';

describe('figures', () => {
  it('shows unknown numbers as n/a and never as 0 (I12)', () => {
    expect(toDuration(null)).toBe('n/a');
    expect(toCount(null)).toBe('n/a');
    expect(toCost(null)).toBe('n/a');
    expect(toSize(null)).toBe('n/a');
    expect(toTokens(null)).toBe('n/a');
    const none = {
      total: null,
      noCache: null,
      cacheRead: null,
      cacheWrite: null,
      cacheWriteFiveMinutes: null,
      cacheWriteOneHour: null,
    };
    expect(toTokens({ input: none, output: { total: null, text: null, reasoning: null }, requests: null })).toBe('n/a');
    expect(
      toTokens({ input: { ...none, total: 7 }, output: { total: null, text: null, reasoning: null }, requests: null }),
    ).toBe('7 → n/a');
  });

  it.each([
    [0, '0 ms'],
    [0.3, '<1 ms'],
    [340, '340 ms'],
    [999.7, '1.00 s'],
    [12_400, '12.4 s'],
    [59_960, '1 m 00 s'],
    [185_000, '3 m 05 s'],
    [3_599_800, '1 h 00 m'],
    [8_040_000, '2 h 14 m'],
    [360_000_000, '4 d 4 h'],
    [-5, '0 ms'],
  ])('shows %d ms as %s', (ms, words) => expect(toDuration(ms)).toBe(words));

  it.each([
    [0, '$0'],
    [420, '$0.00000042'],
    [1_234_567, '$0.0012'],
    [10_000_000, '$0.0100'],
    [123_400_000, '$0.1234'],
    [12_300_000_000, '$12.30'],
  ])('shows %d nano-USD as %s', (nano, words) => expect(toCost(nano)).toBe(words));

  it.each([
    [9_999, '9,999'],
    [45_230, '45.2k'],
    [999_960, '1.00M'],
  ])('shows %d as %s', (count, words) => expect(toCount(count)).toBe(words));

  it.each([
    [0, '0'],
    [250, '250 ms'],
    [5_000, '5 s'],
    [900_000, '15 m'],
    [5_400_000, '1 h 30 m'],
  ])('labels the tick at %d with %s', (ms, words) => expect(toTickLabel(ms)).toBe(words));
});
