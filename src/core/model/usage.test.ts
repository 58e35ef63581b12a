import { expect, test } from 'vitest';
import { isUsageUnknown, toUsage, unknownUsage } from './usage.ts';

test('what is left out or no finite number was not reported, and is never 0 (I12)', () => {
  const usage = toUsage({ total: 10, cacheRead: 0, noCache: Number.NaN, cacheWrite: '7' }, { text: undefined });
  expect(usage).toEqual({
    input: { ...unknownUsage.input, total: 10, cacheRead: 0 },
    output: { total: null, text: null, reasoning: null },
    requests: 1,
  });
});

test('nothing reported is unknown, whether or not a request is counted', () => {
  expect(isUsageUnknown(toUsage({}, {}))).toBe(true);
  expect(isUsageUnknown(toUsage({ cacheRead: 0 }, {}))).toBe(false);
  expect(unknownUsage).toMatchObject({ requests: null, input: { total: null }, output: { total: null } });
});
