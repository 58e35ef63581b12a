import { describe, expect, it } from 'vitest';
import { aRun, aStep } from '../../../dev/builders.ts';
import { stepToCostFacts, stepToCostTitle } from './step.ts';
import { runToCost, runToCostGap, sumToChildCost, sumToCost } from './sum.ts';

const known = { costNanoUsd: 120_000_000, costKnownNanoUsd: 120_000_000 };
const partly = { costNanoUsd: null, costKnownNanoUsd: 120_000_000 };
const unknown = { costNanoUsd: null, costKnownNanoUsd: 0 };
const table = '2026-11-21+1a2b3c4d5e6f';

describe('cost', () => {
  it('of a sum is known, at least so much, or n/a, never 0 for it (I12)', () => {
    expect([known, partly, unknown].map(sumToCost)).toEqual(['$0.1200', '≥ $0.1200', 'n/a']);
    expect(sumToCost({ costNanoUsd: 0, costKnownNanoUsd: 0 })).toBe('$0');
  });

  it('of a run without model calls is n/a, and a gap is told', () => {
    const run = aRun({ id: 'a', startedAtMs: 0 });
    const counts = { ...run.counts, modelSteps: 0, unpriced: 0 };
    expect(runToCost({ ...run, ...known, counts })).toBe('n/a');
    expect(runToCost({ ...run, ...known, counts: { ...counts, modelSteps: 1 } })).toBe('$0.1200');
    expect(runToCostGap({ ...run, counts })).toBeUndefined();
    expect(runToCostGap({ ...run, counts: { ...counts, unpriced: 1 } })).toBe('1 model call without a known cost');
    expect(runToCostGap({ ...run, counts: { ...counts, unpriced: 2 } })).toBe('2 model calls without a known cost');
  });

  it('of child runs stands apart', () => {
    expect(sumToChildCost({ runs: 0, ...known })).toBeNull();
    expect(sumToChildCost({ runs: 1, ...known })).toBe('+ $0.1200 in a child run');
    expect(sumToChildCost({ runs: 3, ...partly })).toBe('+ ≥ $0.1200 in 3 child runs');
  });

  it('of a step says where it comes from, or why it is unknown', () => {
    const step = aStep({ runId: 'a', number: 1, startedAtMs: 0 });
    const estimated = { nanoUsd: 1_000_000, status: 'estimated', source: 'price-table', table, reason: null } as const;
    expect(stepToCostTitle({ ...step, cost: estimated })).toBe(`cost $0.001: estimated, list prices, ${table}`);
    const missing = { nanoUsd: null, status: 'unknown', source: 'none', table, reason: 'model-unpriced' } as const;
    expect(stepToCostFacts({ ...step, cost: missing })).toEqual([
      ['cost', 'n/a'],
      ['cost status', 'unknown'],
      ['cost source', null],
      ['price table', table],
      ['why unknown', 'There is no price for this model.'],
    ]);
    expect(stepToCostTitle({ ...step, cost: null })).toBe('cost n/a');
  });
});
