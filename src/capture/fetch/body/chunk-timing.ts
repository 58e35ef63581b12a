import type { ChunkTiming } from '../../../core/model/step.ts';

/** Gaps past this number are counted no more: the figures hold still long before. */
const gapsMax = 20_000;

/** Measures the time between the events of a stream. */
export interface ChunkClock {
  tick(nowMs: number): void;
  /** By nearest rank; `null` without a gap. */
  timing(): ChunkTiming | null;
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** A clock that has not ticked. */
export function createChunkClock(): ChunkClock {
  const gapsMs: number[] = [];
  let lastMs: number | null = null;
  return {
    tick(nowMs) {
      if (lastMs !== null && gapsMs.length < gapsMax) gapsMs.push(nowMs - lastMs);
      lastMs = nowMs;
    },
    timing() {
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
    },
  };
}
