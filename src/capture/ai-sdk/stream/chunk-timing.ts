import type { ChunkTiming } from '../../../core/model/step.ts';

/** Milliseconds with a microsecond's precision. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** What the gaps between chunks amount to, by nearest rank; `null` without a gap. */
export function toChunkTiming(gapsMs: readonly number[]): ChunkTiming | null {
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
    maxMs: rounded(sorted[sorted.length - 1]!),
  };
}
