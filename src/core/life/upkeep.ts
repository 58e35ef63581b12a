/** How far the upkeep of a home is: what a server has done in the background since it started. */
export interface UpkeepState {
  /** When the last pass ended, Unix milliseconds; `null` before the first. */
  readonly lastPassAtMs: number | null;
  /** Why the last pass could not do all of it, in our own words; `null` when it did. */
  readonly error: string | null;
  /** Runs dropped since they were kept long enough. */
  readonly purgedRuns: number;
  /** Runs whose words went since they were neither chosen nor remarkable. */
  readonly sampledRuns: number;
  readonly quota: QuotaState | null;
}

/** How a quota stands. */
export interface QuotaState {
  readonly limitBytes: number;
  readonly usedBytes: number;
  /** Runs dropped to stay below it. */
  readonly droppedRuns: number;
  /** Nothing is left that may go, and still it is too much. */
  readonly isOver: boolean;
}

/** Nothing done yet. */
export const freshUpkeep: UpkeepState = {
  lastPassAtMs: null,
  error: null,
  purgedRuns: 0,
  sampledRuns: 0,
  quota: null,
};
