import type { CostSum, RunView } from '../../api/wire.ts';
import { notAvailable, toCost, toExactCount } from '../figures.ts';

/** A sum of costs; what is known of an unknown one is a lower bound, `≥ $0.12`, and nothing known is `n/a`. */
export function sumToCost(sum: Pick<CostSum, 'costNanoUsd' | 'costKnownNanoUsd'>): string {
  if (sum.costNanoUsd !== null) return toCost(sum.costNanoUsd);
  return sum.costKnownNanoUsd > 0 ? `≥ ${toCost(sum.costKnownNanoUsd)}` : notAvailable;
}

/** What a run's own calls cost; without model calls there is nothing to know. */
export function runToCost(run: RunView): string {
  return run.counts.modelSteps === 0 ? notAvailable : sumToCost(run);
}

/** Why a run's cost is a lower bound or unknown; `undefined` when it is known. */
export function runToCostGap(run: RunView): string | undefined {
  const { unpriced } = run.counts;
  if (unpriced === 0) return undefined;
  return `${toExactCount(unpriced)} model ${unpriced === 1 ? 'call' : 'calls'} without a known cost`;
}

/** Child runs' cost, which is not part of the run's own; `null` without child runs. */
export function sumToChildCost(sum: CostSum): string | null {
  if (sum.runs === 0) return null;
  return `+ ${sumToCost(sum)} in ${sum.runs === 1 ? 'a child run' : `${toExactCount(sum.runs)} child runs`}`;
}
