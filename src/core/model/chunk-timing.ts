import type { ChunkTiming } from './step.ts';

/** Gaps past this number are counted no more: the figures hold still long before. */
const gapsMax = 100_000;

/** Measures the time between the chunks of one stream. It reads no clock. */
export interface ChunkMeter {
  /** A chunk came at this monotonic time. */
  tick(atMs: number): void;
  /** What the gaps so far amount to; `null` without a gap. May be asked more than once. */
  timing(): ChunkTiming | null;
}

/** Milliseconds with a microsecond's precision. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Percentiles are by nearest rank. */
function toChunkTiming(gapsMs: readonly number[]): ChunkTiming | null {
  if (gapsMs.length === 0) return null;
  const sorted = Float64Array.from(gapsMs).sort();
  const rank = (share: number): number => rounded(sorted[Math.ceil(share * sorted.length) - 1]!);
  return {
    count: sorted.length,
    minMs: rounded(sorted[0]!),
    p10Ms: rank(0.1),
    medianMs: rank(0.5),
    meanMs: rounded(sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length),
    p90Ms: rank(0.9),
    maxMs: rounded(sorted.at(-1)!),
  };
}

/** A meter that has seen no chunk. */
export function createChunkMeter(): ChunkMeter {
  const gapsMs: number[] = [];
  let lastMs: number | null = null;
  return {
    tick(atMs) {
      if (lastMs !== null && gapsMs.length < gapsMax) gapsMs.push(Math.max(0, atMs - lastMs));
      lastMs = atMs;
    },
    timing: () => toChunkTiming(gapsMs),
  };
}
