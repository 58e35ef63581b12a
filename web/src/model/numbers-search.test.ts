import { describe, expect, it } from 'vitest';
import { aUsage } from '../../dev/builders.ts';
import type { TotalsRow } from '../api/wire.ts';
import { parseNumbersSearch, toCacheRate, toPercent } from './numbers-search.ts';

const row = (input: Parameters<typeof aUsage>[0]) => ({ usage: aUsage(input) }) as TotalsRow;

describe('numbers', () => {
  it('reads an address', () => {
    expect(parseNumbersSearch({ by: 'agent', since: '7d', x: 1 })).toEqual({ by: 'agent', since: '7d' });
    expect(parseNumbersSearch({ by: 'moon', since: '' })).toEqual({});
  });

  it('knows no cache rate where the provider told none (I12)', () => {
    expect(toCacheRate(row({ total: 200, cacheRead: 50 }))).toBe(0.25);
    expect(toCacheRate(row({ total: 200 }))).toBeNull();
    expect(toCacheRate(row({ total: 0, cacheRead: 0 }))).toBeNull();
    expect([null, 0, 0.004, 0.123, 1].map(toPercent)).toEqual(['n/a', '0 %', '0.4 %', '12 %', '100 %']);
  });
});
