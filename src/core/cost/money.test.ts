import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { divideHalfEven, priceToNanoUsd, usdToNanoUsd } from './money.ts';

describe('half to even', () => {
  test.each([
    [0n, 2n, 0n],
    [1n, 2n, 0n],
    [3n, 2n, 2n],
    [5n, 2n, 2n],
    [7n, 2n, 4n],
    [2_499_999n, 1_000_000n, 2n],
    [2_500_000n, 1_000_000n, 2n],
    [2_500_001n, 1_000_000n, 3n],
    [3_500_000n, 1_000_000n, 4n],
  ])('%d / %d', (dividend, divisor, expected) => expect(divideHalfEven(dividend, divisor)).toBe(expected));

  test('is never further off than half, and even where it is exactly half', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.bigInt({ min: 1n, max: 10n ** 12n }), (a, b) => {
        const quotient = divideHalfEven(a, b);
        const twiceOff = 2n * (quotient * b - a);
        expect(twiceOff <= b && -twiceOff <= b).toBe(true);
        if (twiceOff === b || twiceOff === -b) expect(quotient % 2n).toBe(0n);
      }),
    );
  });
});

test.each([
  ['$3.75', 3_750_000_000],
  ['$0', 0],
  ['$0.000000001', 1],
  ['$0.0000000001', null],
  ['3.75', null],
  ['$-1', null],
  ['$1e3', null],
  ['$ 3', null],
  ['$', null],
])('a price of %s', (text, expected) => expect(priceToNanoUsd(text)).toBe(expected));

test.each([
  [0.00014, 140_000],
  ['0.0045', 4_500_000],
  [1.4e-7, 140],
  [1e-10, 0],
  [2.5e-9, 2],
  [3.5e-9, 4],
  [12, 12_000_000_000],
  [0, 0],
  [-1, null],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  [1e300, null],
  ['', null],
  ['free', null],
  [null, null],
  [{}, null],
])('a stated cost of %s', (usd, expected) => expect(usdToNanoUsd(usd)).toBe(expected));

test('a cost in whole nano-USD comes back from its dollars', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 }), (nanoUsd) => {
      const text = nanoUsd.toString().padStart(10, '0');
      expect(usdToNanoUsd(`${text.slice(0, -9)}.${text.slice(-9)}`)).toBe(nanoUsd);
    }),
  );
});
