import type { Cost, StepCost } from '../model/cost.ts';
import type { StepView } from '../model/step.ts';
import type { Prices } from './prices.ts';
import { reportedCost } from './reported.ts';

/** A cost that the record itself tells. */
export function recordedToStepCost(cost: Cost): StepCost {
  return { nanoUsd: cost.nanoUsd, status: cost.status, source: cost.source, table: null, reason: null };
}

/** True for a cost that no price table had a part in: told by the provider, or by whoever recorded the step. */
export function isRecordedCost(cost: StepCost | null): boolean {
  return cost !== null && cost.nanoUsd !== null && (cost.table ?? null) === null;
}

/** The provider whose list a step goes by: the SDK's full name tells a cloud that resells a model from its maker. */
function providerOf(step: StepView): string | null {
  const full = step.metadata?.['sdkProvider'];
  return typeof full === 'string' ? full : step.provider;
}

/** The provider answered the whole step with an error, so nothing was used. */
function isRefused(step: StepView): boolean {
  return step.status === 'error' && step.usage === null && (step.error?.status ?? 0) >= 400;
}

/**
 * The cost of a step by its own fields and the prices in force: what the record tells, else what the provider's answer
 * tells, else an estimate; `null` without prices to go by. The same step and prices give the same cost, also when the
 * step has an estimate already.
 */
export function costOfStep(step: StepView, prices: Prices | null): StepCost | null {
  if (isRecordedCost(step.cost)) return step.cost;
  // A recorder may also say that it does not know; an estimate of before is never kept.
  const untold = (step.cost?.table ?? null) === null ? step.cost : null;
  if (step.kind !== 'model' || step.status === 'in_progress') return untold;
  const reported = reportedCost(step.usageRaw, step.metadata);
  if (reported !== null) return recordedToStepCost(reported);
  if (prices === null) return untold;
  if (isRefused(step)) return prices.refused();
  return prices.estimate({
    provider: providerOf(step),
    model: step.model ?? step.requestedModel,
    timeMs: step.startedAtMs,
    usage: step.usage,
    usageRaw: step.usageRaw,
  });
}
