import type { StepCost } from '../model/cost.ts';
import type { StepView } from '../model/step.ts';
import { isUuid } from '../id.ts';
import { isFields } from './reading.ts';

/** What a step costs by itself whose model is recorded as a run of its own: it is in that run's sum. */
const countedElsewhere: StepCost = { nanoUsd: 0, status: 'included', source: 'none', table: null, reason: null };

/** The run in which a step's tokens and cost are counted, as its model's answer says; `null` for its own run. */
export function countedIn({ metadata }: Pick<StepView, 'metadata'>): string | null {
  const provider = metadata?.['providerMetadata'];
  const told = isFields(provider) ? provider['tachograph'] : null;
  const runId = isFields(told) ? told['countedIn'] : null;
  return typeof runId === 'string' && isUuid(runId) ? runId : null;
}

/**
 * A step as sums take it: one whose model is a run of its own adds neither tokens nor cost, so that each call is counted
 * once in run tree, session and totals. What its answer said stays in its events and raw usage.
 */
export function countOnce(step: StepView): StepView {
  return countedIn(step) === null ? step : { ...step, usage: null, cost: countedElsewhere };
}
