import { describe, expect, it } from 'vitest';
import { TachographError } from '../error.ts';
import { defaultPaceByClass, errorToRetryClass, nextRetryDelayMs } from './retry.ts';

const withFields = (fields: object): Error => Object.assign(new Error('it failed'), fields);

describe('what is tried again', () => {
  it.each([
    ['a plain error', new Error('x'), 'other'],
    ['a word', 'x', 'other'],
    ['too many requests', withFields({ statusCode: 429 }), 'rate-limit'],
    ['an overloaded provider', withFields({ status: 529 }), 'overloaded'],
    ['a broken server', withFields({ status: 500 }), 'server'],
    ['a request that took too long', withFields({ status: 408 }), 'timeout'],
    ['a conflict', withFields({ status: 409 }), 'other'],
    ['too early', withFields({ status: 425 }), 'other'],
    ['a connection that was cut', withFields({ code: 'ECONNRESET' }), 'network'],
    ['a connection that took too long', withFields({ code: 'ETIMEDOUT' }), 'timeout'],
    ['a cause further down', new Error('x', { cause: withFields({ code: 'ECONNREFUSED' }) }), 'network'],
    ['the last of a library’s own tries', withFields({ lastError: withFields({ statusCode: 503 }) }), 'overloaded'],
    ['an error from an answer', withFields({ response: { status: 502 } }), 'server'],
    ['a store that is away', new TachographError('E-RUN-007', 'x'), 'other'],
  ])('%s', (_name, error, expected) => {
    expect(errorToRetryClass(error)).toBe(expected);
  });

  it.each([
    ['a bad argument', new TachographError('bad-argument', 'x')],
    ['a step with another input', new TachographError('memo-conflict', 'x')],
    ['a budget', new TachographError('E-BUDGET-003', 'x')],
    ['a schema', new TachographError('E-SCHEMA-002', 'x')],
    ['an end', new TachographError('E-RUN-006', 'x')],
    ['a bad request', withFields({ statusCode: 400 })],
    ['a key that is not known', withFields({ status: 401 })],
    ['what a library knows to be final', withFields({ isRetryable: false })],
    ['a cause that is final', new Error('x', { cause: new TachographError('E-BUDGET-001', 'x') })],
  ])('and not: %s', (_name, error) => {
    expect(errorToRetryClass(error)).toBeNull();
  });

  it('is what an agent says, where it says something', () => {
    const isRetryable = (error: unknown): boolean | null => (error instanceof RangeError ? false : null);
    expect(errorToRetryClass(new RangeError('x'), { isRetryable })).toBeNull();
    expect(errorToRetryClass(new Error('x'), { isRetryable })).toBe('other');
    expect(errorToRetryClass(withFields({ status: 400 }), { isRetryable: () => true })).toBe('other');
  });
});

describe('how long is waited', () => {
  const delay = (attempts: number, random: number, error: unknown = new Error('x')): number =>
    nextRetryDelayMs(error, { attempts, retryClass: 'server', nowMs: 0 }, { random: () => random });

  it('doubles with each attempt, up to a bound, and any part of that is as likely', () => {
    const { baseMs, maxMs } = defaultPaceByClass.server;
    expect([1, 2, 3].map((attempts) => delay(attempts, 0.5))).toEqual([baseMs / 2, baseMs, baseMs * 2]);
    expect(delay(99, 1)).toBe(maxMs);
    expect(delay(5, 0)).toBe(0);
  });

  it('is not shorter than the provider asked for, and not a year because it did', () => {
    expect(delay(1, 0, withFields({ responseHeaders: { 'retry-after': '7' } }))).toBe(7000);
    expect(delay(1, 0, withFields({ responseHeaders: { 'retry-after': '99999999' } }))).toBe(24 * 3600_000);
  });

  it('is an agent’s own pace, where it has one', () => {
    const policy = { paceByClass: { server: { baseMs: 10, maxMs: 15 } } };
    const retry = { attempts: 4, retryClass: 'server', nowMs: 0 } as const;
    expect(nextRetryDelayMs(new Error('x'), retry, { policy, random: () => 1 })).toBe(15);
  });
});
