/** Buckets that are priced by the token. */
export const tokenBuckets = [
  'input',
  'cachedInput',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
  'reasoning',
  'audioInput',
  'audioOutput',
  'imageOutput',
] as const;

/** Buckets that are priced by the piece: a model request, a web search and any other tool that the provider ran. */
export const pieceBuckets = ['request', 'webSearch', 'providerTool'] as const;

/** What a provider can charge for. */
export type Bucket = (typeof tokenBuckets)[number] | (typeof pieceBuckets)[number];

/**
 * Whole nano-USD for a million of each bucket: of tokens, or of pieces. A bucket that is not there has no price, which
 * is not the price 0. Without `reasoning` those tokens cost what output costs.
 */
export type Rates = Readonly<Partial<Record<Bucket, number>>>;

/** Where a price was read, and when. Dates are `2026-11-21`; `stated` is `null` where the place did not say its date. */
export interface PriceReference {
  readonly url: string;
  readonly stated: string | null;
  readonly read: string;
}

/** Rates for prompts of more than so many tokens, cache reads and writes counted in. Empty rates: no price is known. */
export interface PriceTier {
  readonly abovePromptTokens: number;
  readonly rates: Rates;
}

/** Prices of a model from one moment (included) to another (excluded); `null` is open. Unix milliseconds, UTC. */
export interface PricePeriod {
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Calls are paid for by a subscription: they cost nothing more. */
  readonly isIncluded: boolean;
  readonly rates: Rates;
  /** By rising `abovePromptTokens`. */
  readonly tiers: readonly PriceTier[];
  readonly reference: PriceReference | null;
}

/** Prices of one model. */
export interface ModelPrices {
  readonly id: string;
  readonly aliases: readonly string[];
  /** Models whose id goes on after this one (`-`, `:` or `@` follows) cost the same. */
  readonly isFamily: boolean;
  readonly periods: readonly PricePeriod[];
}

/** Prices of one provider, and which of its counts lie inside others where a usage does not tell them apart. */
export interface ProviderPrices {
  readonly id: string;
  /** Other names of the provider; one that ends in `*` stands for all that begin so. */
  readonly aliases: readonly string[];
  /** Cache reads and writes are part of the input's total. */
  readonly isCacheInsideInput: boolean;
  /** Reasoning tokens are part of the output's total. */
  readonly isReasoningInsideOutput: boolean;
  readonly models: readonly ModelPrices[];
}

/** A price table as it was read: the shipped one, or the user's. */
export interface PriceTable {
  readonly origin: 'price-table' | 'user-override';
  /** The day it was put together, `2026-11-21`. */
  readonly date: string;
  readonly providers: readonly ProviderPrices[];
}
