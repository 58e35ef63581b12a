import type { StepCost, StepView, UnknownCostReason } from '../../api/wire.ts';
import { notAvailable, toCost } from '../figures.ts';

const statusWords: Readonly<Record<StepCost['status'], string>> = {
  actual: 'actual',
  estimated: 'estimated',
  included: 'included in a subscription',
  unknown: 'unknown',
};

const sourceWords: Readonly<Record<StepCost['source'], string | null>> = {
  'provider-response': "the provider's answer",
  'provider-api': 'the provider, afterwards',
  'price-table': 'list prices',
  'user-override': 'your own prices',
  contract: 'a contract',
  none: null,
};

const reasonWords: Readonly<Record<UnknownCostReason, string>> = {
  'provider-unpriced': 'There are no prices for this provider.',
  'model-unpriced': 'There is no price for this model.',
  'time-unpriced': 'There is no price for the time of this call.',
  'bucket-unpriced': 'A part of what was used has no price.',
  'usage-missing': 'The provider did not report the tokens.',
  'usage-mixed': 'Tokens of another model are among those reported.',
  'usage-inconsistent': 'The reported usage contradicts itself.',
  'rate-special': 'The call was not made at the list price.',
};

/** A step's cost as names and values: the sum, how sure it is, where it comes from, or why it is unknown. */
export function stepToCostFacts(step: StepView): readonly (readonly [name: string, value: string | null])[] {
  const { cost } = step;
  if (cost === null) return [['cost', notAvailable]];
  return [
    ['cost', toCost(cost.nanoUsd)],
    ['cost status', statusWords[cost.status]],
    ['cost source', sourceWords[cost.source]],
    ['price table', cost.table],
    ['why unknown', cost.reason === null ? null : (reasonWords[cost.reason] ?? null)],
  ];
}

/** One line about a step's cost, for a title. */
export function stepToCostTitle(step: StepView): string {
  const [first, ...rest] = stepToCostFacts(step).flatMap(([, value]) => value ?? []);
  return rest.length === 0 ? `cost ${first}` : `cost ${first}: ${rest.join(', ')}`;
}
