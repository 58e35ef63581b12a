import type { StepView } from '../../../api/wire.ts';

/** One answer of the aggregator, and the references that were asked for it: none when advice was used again. */
export interface MixtureIteration {
  readonly index: number;
  readonly references: readonly StepView[];
  /** `null`: it was never asked, or not yet. */
  readonly aggregator: StepView | null;
}

/** What a step says of its part in a mixture. */
export interface MixturePart {
  readonly role: 'reference' | 'aggregator';
  readonly iteration: number;
  /** Where the aggregator's advice came from: `miss`, `hit`, `none`. */
  readonly advice: string | null;
  /** Labels of references whose advice was not there. */
  readonly failed: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const toFields = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

/**
 * Reads a step's part in a mixture; `null` for a step of anything else. A turn that was imported from a trace tells the
 * role alone. Recorded words are trusted in nothing.
 */
export function stepToPart({ metadata }: Pick<StepView, 'metadata'>): MixturePart | null {
  const moa = toFields(metadata?.['moa']) ?? metadata;
  const role = moa?.['role'];
  if (moa === null || (role !== 'reference' && role !== 'aggregator')) return null;
  const iteration = moa['iteration'];
  const references = Array.isArray(moa['references']) ? (moa['references'] as unknown[]).map(toFields) : [];
  return {
    role,
    iteration: typeof iteration === 'number' && Number.isInteger(iteration) && iteration >= 0 ? iteration : 0,
    advice: typeof moa['advice'] === 'string' ? moa['advice'] : null,
    failed: references.filter((one) => one?.['failed'] === true).map((one) => String(one!['label'])),
  };
}

/** The iterations of a turn, in their order; references in the order in which they were begun. */
export function stepsToIterations(steps: readonly StepView[]): readonly MixtureIteration[] {
  const byIndex = new Map<number, { references: StepView[]; aggregator: StepView | null }>();
  for (const step of steps) {
    const part = stepToPart(step);
    if (part === null) continue;
    const known = byIndex.get(part.iteration) ?? { references: [], aggregator: null };
    byIndex.set(part.iteration, known);
    if (part.role === 'reference') known.references.push(step);
    else known.aggregator = step;
  }
  return [...byIndex].toSorted(([a], [b]) => a - b).map(([index, rest]) => ({ index, ...rest }));
}

/** What steps cost together; `null` when it is not known of one of them. Of none it is 0. */
export function sumOfCosts(steps: readonly StepView[]): number | null {
  let sum = 0;
  for (const { cost } of steps) {
    if (cost === null || cost.nanoUsd === null) return null;
    sum += cost.nanoUsd;
  }
  return sum;
}
