import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createWaker } from './waker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('wakes at once, then once for all that rings meanwhile, and loses no last ring', () => {
  let wakes = 0;
  const waker = createWaker(() => (wakes += 1));
  for (let rings = 0; rings < 100; rings += 1) waker.ring();
  expect(wakes).toBe(1);
  vi.advanceTimersByTime(50);
  expect(wakes).toBe(2);
  vi.advanceTimersByTime(1000);
  expect(wakes).toBe(2);
  waker.ring();
  expect(wakes).toBe(3);
  waker.ring();
  waker.close();
  vi.advanceTimersByTime(1000);
  expect(wakes).toBe(3);
});
