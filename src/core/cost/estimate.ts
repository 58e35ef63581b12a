import type { UnknownCostReason } from '../model/cost.ts';
import { divideHalfEven, toSafeNumber } from './money.ts';
import type { Bucket, PricePeriod, Rates } from './price-table.ts';
import type { Quantities } from './quantities.ts';

const perRate = 1_000_000n;

/** The rates for a prompt of this size. */
export function ratesFor(period: PricePeriod, promptTokens: number): Rates {
  return period.tiers.findLast(({ abovePromptTokens }) => promptTokens > abovePromptTokens)?.rates ?? period.rates;
}

/** What has to be paid, each bucket at its own rate; the reason when some of it has no price. */
function toLines(quantities: Quantities, rates: Rates): (readonly [number, number])[] | UnknownCostReason {
  const lines: (readonly [number, number])[] = [];
  const { countByBucket, unsplitCacheWrite } = quantities;
  for (const [bucket, count] of countByBucket) {
    const rate = rateOf(bucket, rates);
    // What is charged for, but was never counted, leaves the cost unknown; an embedding sells no output.
    if (count === null && rate !== undefined) return 'usage-missing';
    if (count === null || count === 0 || (bucket === 'request' && rate === undefined)) continue;
    if (rate === undefined) return 'bucket-unpriced';
    lines.push([count, rate]);
  }
  if (unsplitCacheWrite > 0) {
    if (rates.cacheWrite5m === undefined || rates.cacheWrite5m !== rates.cacheWrite1h) return 'bucket-unpriced';
    lines.push([unsplitCacheWrite, rates.cacheWrite5m]);
  }
  return lines;
}

function rateOf(bucket: Bucket, rates: Rates): number | undefined {
  return bucket === 'reasoning' ? (rates.reasoning ?? rates.output) : rates[bucket];
}

/**
 * Whole nano-USD of a call: the sum over all buckets, exact, rounded half to even once. A used bucket without a price
 * gives the reason instead; a part of the sum is never returned.
 */
export function estimateNanoUsd(quantities: Quantities, rates: Rates): number | UnknownCostReason {
  const lines = toLines(quantities, rates);
  if (typeof lines === 'string') return lines;
  const sum = lines.reduce((total, [count, rate]) => total + BigInt(count) * BigInt(rate), 0n);
  return toSafeNumber(divideHalfEven(sum, perRate)) ?? 'usage-inconsistent';
}
