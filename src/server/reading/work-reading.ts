import { TachographError } from '../../core/error.ts';
import { isUuid } from '../../core/id.ts';
import type { WorkRow, WorkStore } from '../../core/work/work.ts';
import type { Runs, Surroundings } from '../surroundings.ts';
import type { WireWork } from '../wire-work.ts';
import { findRun } from './run-reference.ts';

/** The work of the store; `work-missing` for a store that only keeps records. */
export function workOf({ store }: Pick<Surroundings, 'store'>): WorkStore {
  if (store.work !== null) return store.work;
  throw new TachographError('work-missing', 'The store of this server keeps records only: runs cannot be work here.');
}

/** What runs are asked for through; `work-missing` for a server that makes none. */
export function runsOf({ runs }: Pick<Surroundings, 'runs'>): Runs {
  if (runs !== null) return runs;
  throw new TachographError('work-missing', 'This server makes no runs. Start one that does: tachograph serve');
}

/** A run as work, by what a path names it; `run-not-found` also for one that was only recorded. */
export async function findWork(around: Pick<Surroundings, 'store' | 'projectId'>, reference: string): Promise<WorkRow> {
  const work = workOf(around);
  // By its id a run is found before it is in the views.
  const found = isUuid(reference) ? await work.get(around.projectId, reference) : null;
  if (found !== null) return found;
  const { id } = await findRun(around, reference);
  const row = await work.get(around.projectId, id);
  if (row !== null) return row;
  throw new TachographError('run-not-found', `Run ${id} was recorded and is no work: no worker takes it.`);
}

/** A run as work without what goes without saying. */
export function rowToWire({ projectId: _projectId, ...row }: WorkRow): WireWork {
  return row;
}
