import { describe, expect, test } from 'vitest';
import { statusToRetryClass, toRequestId, toRetryDelayMs } from './retry.ts';

describe('what an answer says of another try', () => {
  test.each([
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1500],
    [{ 'retry-after': '2' }, 2000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': 'Sat, 21 Nov 2026 07:00:10 GMT' }, 10_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 06:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-1' }, null],
    [{ 'retry-after': '' }, null],
    [{}, null],
  ])('wait of %o', (headers, expected) => {
    expect(toRetryDelayMs(headers as Record<string, string>, Date.UTC(2026, 10, 21, 7, 0, 0))).toBe(expected);
  });

  test('request ids by their many names', () => {
    expect(toRequestId({ 'request-id': 'a' })).toBe('a');
    expect(toRequestId({ 'request-id': 'a', 'x-request-id': 'b' })).toBe('b');
    expect(toRequestId({ 'x-goog-request-id': 'g' })).toBe('g');
    expect(toRequestId({})).toBeNull();
  });

  test.each([
    [400, null],
    [408, 'timeout'],
    [409, null],
    [429, 'rate-limit'],
    [500, 'server'],
    [503, 'overloaded'],
    [504, 'timeout'],
    [529, 'overloaded'],
    [599, 'server'],
  ])('status %i alone is %s', (status, expected) => {
    expect(statusToRetryClass(status, false)).toBe(expected);
    expect(statusToRetryClass(status, true)).toBe(expected ?? 'other');
  });
});
