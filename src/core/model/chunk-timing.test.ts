import { expect, test } from 'vitest';
import type { ChunkTiming } from './step.ts';
import { createChunkMeter } from './chunk-timing.ts';

function timingOf(timesMs: readonly number[]): ChunkTiming | null {
  const meter = createChunkMeter();
  for (const atMs of timesMs) meter.tick(atMs);
  return meter.timing();
}

test('one chunk has no gap', () => {
  expect(timingOf([])).toBeNull();
  expect(timingOf([5])).toBeNull();
});

test('percentiles are by nearest rank, whatever order the gaps came in', () => {
  const gapsMs = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5];
  const timesMs = gapsMs.reduce<number[]>((times, gapMs) => [...times, times.at(-1)! + gapMs], [100]);
  expect(timingOf(timesMs)).toEqual({
    count: 10,
    minMs: 1,
    p10Ms: 1,
    medianMs: 5,
    meanMs: 5.5,
    p90Ms: 9,
    maxMs: 10,
  });
});

test('figures have a microsecond’s precision, and no gap is negative', () => {
  expect(timingOf([0, 1.23456])).toMatchObject({ minMs: 1.235, meanMs: 1.235, maxMs: 1.235 });
  expect(timingOf([5, 4])).toMatchObject({ minMs: 0, maxMs: 0 });
});

test('a stream without end keeps its first gaps', () => {
  const meter = createChunkMeter();
  for (let atMs = 0; atMs <= 100_000; atMs += 1) meter.tick(atMs);
  meter.tick(1e9);
  expect(meter.timing()).toMatchObject({ count: 100_000, maxMs: 1 });
});
