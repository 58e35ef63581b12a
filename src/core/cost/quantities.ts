import type { InputUsage, OutputUsage, Usage } from '../model/usage.ts';
import type { UnknownCostReason } from '../model/cost.ts';
import type { Bucket, ProviderPrices } from './price-table.ts';
import type { RawUsageNotes } from './raw-usage.ts';

/** Tokens and pieces of one call, each counted in exactly one bucket. */
export interface Quantities {
  /** `null`: the provider reported no such count. */
  readonly countByBucket: ReadonlyMap<Bucket, number | null>;
  /** Tokens of cache writes whose lifetime is not told. */
  readonly unsplitCacheWrite: number;
  /** Size of the prompt, cache reads and writes included: what tiers go by. */
  readonly promptTokens: number;
}

/** Whether cache and reasoning counts lie inside the totals, where the usage itself does not say. */
export type Overlap = Pick<ProviderPrices, 'isCacheInsideInput' | 'isReasoningInsideOutput'>;

interface Writes {
  readonly fiveMinutes: number;
  readonly oneHour: number;
  readonly unsplit: number;
}

function splitWrites(input: InputUsage): Writes | null {
  const fiveMinutes = input.cacheWriteFiveMinutes ?? 0;
  const oneHour = input.cacheWriteOneHour ?? 0;
  const unsplit = (input.cacheWrite ?? fiveMinutes + oneHour) - fiveMinutes - oneHour;
  return unsplit < 0 ? null : { fiveMinutes, oneHour, unsplit };
}

/** Input that was neither read from nor written to a cache. `null`: not reported. */
function freshInput(input: InputUsage, cached: number, overlap: Overlap): number | null {
  if (input.noCache !== null) return input.noCache;
  if (input.total === null) return null;
  return overlap.isCacheInsideInput ? input.total - cached : input.total;
}

/** Output without its reasoning. A total that equals the text cannot hold the reasoning too. */
function plainOutput(output: OutputUsage, overlap: Overlap): number | null {
  const { total, text, reasoning } = output;
  if (total === null) return text;
  const isBeside = !overlap.isReasoningInsideOutput || text === total;
  return isBeside ? total : total - (reasoning ?? 0);
}

const isCount = (count: number | null): boolean => count === null || (Number.isSafeInteger(count) && count >= 0);

/**
 * Sorts a usage into buckets so that no token is in two. Audio and image tokens are part of the totals and are taken out
 * of them. Returns the reason instead when the usage cannot be charged for or contradicts itself.
 */
export function usageToQuantities(
  usage: Usage | null,
  notes: RawUsageNotes,
  overlap: Overlap,
): Quantities | UnknownCostReason {
  if (usage === null) return 'usage-missing';
  const writes = splitWrites(usage.input);
  if (writes === null) return 'usage-inconsistent';
  const cacheRead = usage.input.cacheRead ?? 0;
  const cached = cacheRead + writes.fiveMinutes + writes.oneHour + writes.unsplit;
  const fresh = freshInput(usage.input, cached, overlap);
  if (fresh === null) return 'usage-missing';
  const plain = plainOutput(usage.output, overlap);
  // What was heard from a cache has a price of its own nowhere in a usage; it cannot be told apart.
  if (notes.audioInput > 0 && cacheRead > 0) return 'bucket-unpriced';
  const countByBucket = new Map<Bucket, number | null>([
    ['input', fresh - notes.audioInput],
    ['cachedInput', cacheRead],
    ['cacheWrite5m', writes.fiveMinutes],
    ['cacheWrite1h', writes.oneHour],
    ['output', plain === null ? null : plain - notes.audioOutput - notes.imageOutput],
    ['reasoning', usage.output.reasoning ?? 0],
    ['audioInput', notes.audioInput],
    ['audioOutput', notes.audioOutput],
    ['imageOutput', notes.imageOutput],
    ['request', usage.requests],
    ['webSearch', notes.webSearches],
    ['providerTool', notes.providerTools],
  ]);
  if (![...countByBucket.values(), writes.unsplit].every(isCount)) return 'usage-inconsistent';
  return { countByBucket, unsplitCacheWrite: writes.unsplit, promptTokens: fresh + cached };
}
