import process from 'node:process';
import { expect, test } from 'vitest';
import { createSafely, toHarmlessListener } from './listener.ts';

const failure = new Error('no');
const fails = (): never => {
  throw failure;
};

test('what is thrown is told, and the other answer given (I1)', () => {
  const told: unknown[] = [];
  const safely = createSafely((error) => told.push(error));
  expect([safely(() => 1, 2), safely(fails, 2)]).toEqual([1, 2]);
  expect(told).toEqual([failure]);
});

test.each([
  ['throws', fails],
  ['rejects', async () => fails()],
  ['is none', 'words' as unknown as () => void],
  ['is left out', undefined],
])('a listener that %s does no harm', async (_what, listener) => {
  const rejections: unknown[] = [];
  const onRejection = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', onRejection);
  expect(createSafely(listener)(fails, 2)).toBe(2);
  expect(() => toHarmlessListener(listener)(failure)).not.toThrow();
  await new Promise((done) => setImmediate(done));
  process.off('unhandledRejection', onRejection);
  expect(rejections).toEqual([]);
});
