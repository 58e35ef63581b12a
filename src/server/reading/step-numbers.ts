import type { StepView } from '../../core/model/step.ts';
import type { StoreReader } from '../../core/store.ts';

interface Around {
  readonly store: StoreReader;
  readonly projectId: string;
}

/** As many steps as the run has given out numbers. */
interface NumberedRun {
  readonly id: string;
  readonly lastStepNumber: number;
}

const pageSteps = 500;
const knownMax = 50_000;

/** Finds numbers of steps by their ids; a number, once given, never changes, so those found are remembered. */
export interface StepNumbers {
  /** Numbers of the steps of a run by id; ids that are no steps of it are not in the answer. */
  find(around: Around, run: NumberedRun, stepIds: ReadonlySet<string>): Promise<ReadonlyMap<string, number>>;
}

/** Steps around the place where an id would stand if numbers rose with ids. */
async function readAround(around: Around, run: NumberedRun, stepId: string): Promise<readonly StepView[]> {
  let low = 1;
  let high = run.lastStepNumber;
  while (high - low >= pageSteps / 2) {
    const middle = (low + high) >> 1;
    const step = await around.store.getStep(around.projectId, run.id, middle);
    if (step.id <= stepId) low = middle;
    else high = middle;
  }
  const fromNumber = Math.max(1, low - pageSteps / 4);
  return around.store.listSteps(around.projectId, run.id, { fromNumber, limit: pageSteps });
}

/**
 * A memory of step numbers, bounded. Ids carry their time and numbers follow it closely, so a step is looked for where
 * its id says; steps of several processes may be numbered in another order, and then all are gone through.
 */
export function createStepNumbers(): StepNumbers {
  const known = new Map<string, number>();
  // Two projects may hold the same run: each knows its own numbers (I10).
  const nameOf = ({ projectId }: Around, id: string): string => `${projectId} ${id}`;
  const remember = (around: Around, steps: readonly StepView[], missing: Set<string>): void => {
    for (const { id, number } of steps) if (missing.delete(id)) known.set(nameOf(around, id), number);
  };

  return {
    async find(around, run, stepIds) {
      if (known.size > knownMax) known.clear();
      const missing = new Set([...stepIds].filter((id) => !known.has(nameOf(around, id))));
      for (const id of [...missing].sort()) {
        if (missing.has(id)) remember(around, await readAround(around, run, id), missing);
      }
      for (let fromNumber = 1; missing.size > 0 && fromNumber <= run.lastStepNumber; fromNumber += pageSteps) {
        remember(
          around,
          await around.store.listSteps(around.projectId, run.id, { fromNumber, limit: pageSteps }),
          missing,
        );
      }
      return new Map(
        [...stepIds].flatMap((id) => {
          const number = known.get(nameOf(around, id));
          return number === undefined ? [] : [[id, number] as const];
        }),
      );
    },
  };
}
