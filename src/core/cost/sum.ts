import type { RunView } from '../model/run.ts';

/** What several runs cost together. */
export interface CostSum {
  readonly runs: number;
  /** `null` when the cost of any of them is unknown (I12). */
  readonly costNanoUsd: number | null;
  /** What is known of it: at least so much. */
  readonly costKnownNanoUsd: number;
}

/** Adds up the costs of runs. Of no runs it is 0. */
export function sumOfRuns(runs: readonly Pick<RunView, 'costNanoUsd' | 'costKnownNanoUsd'>[]): CostSum {
  const costKnownNanoUsd = runs.reduce((sum, run) => sum + run.costKnownNanoUsd, 0);
  const isKnown = runs.every((run) => run.costNanoUsd !== null);
  return { runs: runs.length, costNanoUsd: isKnown ? costKnownNanoUsd : null, costKnownNanoUsd };
}
