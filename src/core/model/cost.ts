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

/** Where an actual cost can come from. */
export const actualCostSources = ['provider-response', 'provider-api', 'contract'] as const;

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

/** Why the cost of a call is unknown. */
export const unknownCostReasons = [
  'provider-unpriced',
  'model-unpriced',
  'time-unpriced',
  'bucket-unpriced',
  'usage-missing',
  'usage-mixed',
  'usage-inconsistent',
  'rate-special',
] as const;

/** One of the closed list of reasons. */
export type UnknownCostReason = (typeof unknownCostReasons)[number];

/** The cost of a step as readers see it: what the record says, else an estimate by a price table. */
export interface StepCost extends Cost {
  /** Version of the prices that an estimate was made with; `null` when the record itself told the cost. */
  readonly table: string | null;
  /** Why an estimate failed; `null` when it did not. */
  readonly reason: UnknownCostReason | null;
}
