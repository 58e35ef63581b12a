/** The day all shipped prices were read. */
export const readOn = '2026-11-21';

/** Prices of one period in a price file: buckets by name, `$` for a million tokens. */
export type PriceEntry = Readonly<Record<string, unknown>>;

/** Where prices were read, in the form of a price file. */
export function source(url: string, stated: string | null = null): Readonly<Record<string, unknown>> {
  return { url, stated, read: readOn };
}

/** A model with one price for all times, or one for each period. */
export function model(
  id: string,
  prices: PriceEntry | readonly PriceEntry[],
  rest: { readonly aliases?: readonly string[]; readonly family?: boolean } = {},
): Readonly<Record<string, unknown>> {
  return { id, ...rest, prices: Array.isArray(prices) ? prices : [prices] };
}
