import type { StoreReader } from '../../core/store.ts';

interface Around {
  readonly store: StoreReader;
  readonly projectId: string;
}

const pageSteps = 2000;
const knownMax = 50_000;

/** Finds numbers of steps by their ids; a number, once given, never changes, so those found are remembered. */
export interface StepNumbers {
  /** Numbers of the steps of a run by id; ids that are no steps of it are not in the answer. */
  find(around: Around, runId: string, stepIds: ReadonlySet<string>): Promise<ReadonlyMap<string, number>>;
}

/** A memory of step numbers, bounded. */
export function createStepNumbers(): StepNumbers {
  const known = new Map<string, number>();
  return {
    async find(around, runId, stepIds) {
      const found = new Map<string, number>();
      const missing = new Set<string>();
      for (const id of stepIds) {
        const number = known.get(`${runId}/${id}`);
        if (number === undefined) missing.add(id);
        else found.set(id, number);
      }
      if (known.size > knownMax) known.clear();
      for (let fromNumber = 1; missing.size > 0; fromNumber += pageSteps) {
        const steps = await around.store.listSteps(around.projectId, runId, { fromNumber, limit: pageSteps });
        for (const { id, number } of steps) {
          if (!missing.delete(id)) continue;
          known.set(`${runId}/${id}`, number);
          found.set(id, number);
        }
        if (steps.length < pageSteps) break;
      }
      return found;
    },
  };
}
