import { describe, expect, it } from 'vitest';
import { aStep } from '../../../../dev/builders.ts';
import { stepsToIterations, stepToPart, sumOfCosts } from './iterations.ts';

const cost = (nanoUsd: number | null) => ({
  ...{ nanoUsd, status: nanoUsd === null ? ('unknown' as const) : ('actual' as const) },
  ...{ source: 'none' as const, table: null, reason: null },
});
const step = (number: number, moa: unknown, nanoUsd: number | null = 1) => ({
  ...aStep({ runId: 'r', number, startedAtMs: 0 }),
  metadata: { moa },
  cost: cost(nanoUsd),
});

describe('a mixture', () => {
  const steps = [
    step(1, { role: 'reference', iteration: 0 }),
    step(2, { role: 'reference', iteration: 0 }, 2),
    step(3, { role: 'aggregator', iteration: 0, advice: 'miss', references: [{ label: 'a:b', failed: true }, null] }),
    step(4, { role: 'aggregator', iteration: 1, advice: 'hit' }),
    step(5, 'nonsense'),
  ];

  it('is told by its iterations', () => {
    const iterations = stepsToIterations(steps.toReversed().toSorted((a, b) => a.number - b.number));
    expect(
      iterations.map(({ index, references, aggregator }) => [index, references.length, aggregator?.number]),
    ).toEqual([
      [0, 2, 3],
      [1, 0, 4],
    ]);
    expect(stepToPart(steps[2]!)).toMatchObject({ advice: 'miss', failed: ['a:b'] });
  });

  it('that was imported has one iteration', () => {
    const imported = [1, 2].map((number) => ({
      ...step(number, undefined),
      metadata: { role: number === 1 ? 'reference' : 'aggregator' },
    }));
    expect(stepsToIterations(imported)).toMatchObject([
      { index: 0, references: [{ number: 1 }], aggregator: { number: 2 } },
    ]);
  });

  it('costs what its steps cost, and n/a when one of them is not known (I12)', () => {
    expect(sumOfCosts(steps.slice(0, 2))).toBe(3);
    expect(sumOfCosts([])).toBe(0);
    expect(sumOfCosts([...steps, step(6, {}, null)])).toBeNull();
  });
});
