import { expect, test } from 'vitest';
import { isCalledOff, thrownToEndReason } from './abort.ts';

const withName = (name: string): Error => Object.assign(new Error('x'), { name });

test.each([
  [new Error('AbortError'), 'cancelled'],
  [new Error('Request was aborted.'), 'cancelled'],
  [withName('ModelAbortError'), 'cancelled'],
  [new DOMException('x', 'AbortError'), 'cancelled'],
  [new DOMException('x', 'TimeoutError'), 'timeout'],
  [new Error('Aborted because of you'), 'error'],
  [null, 'error'],
])('%# ends a run as %s', (error, reason) => {
  expect(thrownToEndReason(error)).toBe(reason);
  expect(isCalledOff(error)).toBe(reason !== 'error');
});

test('what cannot be read is no abort', () => {
  const hostile = {
    get name(): string {
      throw new Error('no name');
    },
  };
  expect(thrownToEndReason(hostile)).toBe('error');
});
