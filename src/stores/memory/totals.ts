import { isRunMatching } from '../../core/query/filter.ts';
import { rollUp, runToPart, stepToPart } from '../../core/query/totals.ts';
import type { StoreReader, TotalsRow } from '../../core/store.ts';
import type { ProjectState } from './state.ts';

/** Totals of the runs started in the range, one row for each group, by key. */
export function readTotals(project: ProjectState, options: Parameters<StoreReader['totals']>[1]): TotalsRow[] {
  const { by, ...filter } = options;
  const runs = [...project.runById.values()].filter((run) => isRunMatching(run.view, filter));
  if (by !== 'model') return rollUp(runs.map((run) => runToPart(by, run.view)));
  return rollUp(runs.flatMap((run) => [...run.stepByNumber.values()].flatMap((step) => stepToPart(step) ?? [])));
}
