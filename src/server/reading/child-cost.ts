import type { CostSum } from '../../core/cost/sum.ts';
import { sumOfRuns } from '../../core/cost/sum.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Surroundings } from '../surroundings.ts';

type Around = Pick<Surroundings, 'store' | 'projectId'>;

/** Child runs added up at most; past that the sum is a lower bound. */
const runsMax = 1000;

/** What all runs below a run cost, apart from the run itself. Ends also where parents run in a circle. */
export async function readChildCost({ store, projectId }: Around, run: RunView): Promise<CostSum> {
  const runs: RunView[] = [];
  const seen = new Set([run.id]);
  const queue = [run.id];
  while (queue.length > 0 && runs.length < runsMax) {
    const children = (await store.listChildren(projectId, queue.shift()!)).filter(({ id }) => !seen.has(id));
    for (const child of children) {
      seen.add(child.id);
      runs.push(child);
      queue.push(child.id);
    }
  }
  const sum = sumOfRuns(runs);
  return queue.length === 0 ? sum : { ...sum, costNanoUsd: null };
}
