import { expect, test } from 'vitest';
import type { RunRecorder, StepRecorder } from '../../../core/record/recording.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import { createRetryMemory } from './retry-memory.ts';

let nowMs = 0;
const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };

function open(): { run: RunRecorder; step: () => StepRecorder } {
  const run = createRecording().recorder.startRun({ agentId: 'a' });
  return { run, step: () => run.step({ kind: 'model' }) };
}

test.each([['words'], [{ call: 1 }]])('counted tries follow upon the try before, by %o', (key) => {
  const memory = createRetryMemory(clock);
  const { step } = open();
  const [first, second] = [step(), step()];
  memory.keep(key, first, 1);
  memory.keep(key, second, 0);
  expect(memory.take(key, 0)).toBeNull();
  expect(memory.take(key, 3)).toBeNull();
  expect(memory.take(key, 1)).toBe(second);
  expect(memory.take(key, 1)).toBeNull();
  expect(memory.take(key, 2)).toBe(first);
});

test('tries that nobody counts follow in the order in which they failed, and not upon counted ones', () => {
  const memory = createRetryMemory(clock);
  const { step } = open();
  const [counted, first, second] = [step(), step(), step()];
  memory.keep('k', counted, 0);
  memory.keep('k', first, null);
  memory.keep('k', second, null);
  expect([memory.take('k', null), memory.take('k', null), memory.take('k', null)]).toEqual([first, second, null]);
  expect(memory.isEmpty).toBe(false);
  expect(memory.take('k', 1)).toBe(counted);
  expect(memory.isEmpty).toBe(true);
});

test('what is dropped, done, closed or long past is not taken up again', () => {
  const memory = createRetryMemory(clock);
  const { run, step } = open();
  const [dropped, done, old] = [step(), step(), step()];
  for (const one of [dropped, done, old]) memory.keep('k', one, null);
  memory.drop('k', dropped);
  done.finish({ status: 'completed' });
  nowMs += 10 * 60_000 + 1;
  expect(memory.take('k', null)).toBeNull();
  const last = step();
  memory.keep('k', last, null);
  run.close({ endReason: 'ok' });
  expect(memory.take('k', null)).toBeNull();
});

test('it is bounded', () => {
  const memory = createRetryMemory(clock);
  const { step } = open();
  const steps = Array.from({ length: 70 }, step);
  for (const one of steps) memory.keep('k', one, null);
  expect(memory.take('k', null)).toBe(steps[6]);
  for (let index = 0; index < 600; index += 1) memory.keep(`k${index}`, steps[0]!, null);
  expect(memory.take('k0', null)).toBeNull();
  expect(memory.take('k599', null)).toBe(steps[0]);
});
