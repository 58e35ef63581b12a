/** How sure a cost is. */
export const costStatuses = ['actual', 'estimated', 'included', 'unknown'] as const;
/** Where a cost comes from. */
export const costSources = [
  'provider-response',
  'provider-api',
  'price-table',
  'user-override',
  'contract',
  'none',
] as const;

/** One of the four cost statuses. */
export type CostStatus = (typeof costStatuses)[number];
/** One of the six cost sources. */
export type CostSource = (typeof costSources)[number];

/** A cost in whole nano-USD. `nanoUsd` is `null` exactly when the status is `unknown` (I12). */
export interface Cost {
  readonly nanoUsd: number | null;
  readonly status: CostStatus;
  readonly source: CostSource;
}

/** The cost of something whose price nobody told. */
export const unknownCost: Cost = { nanoUsd: null, status: 'unknown', source: 'none' };
