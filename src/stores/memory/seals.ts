import { TachographError } from '../../core/error.ts';
import type { Seal } from '../../core/record/seal.ts';
import { isSealDue } from '../../core/query/sealing.ts';
import type { SealDue } from '../../core/store.ts';
import type { ProjectState, State } from './state.ts';

/** Keeps a seal. The same one twice is one; another one under a number that is taken is refused. */
function putSeal(project: ProjectState, seal: Seal): void {
  const taken = project.seals.find((other) => other.number === seal.number);
  if (taken === undefined) {
    project.seals.push(seal);
    project.seals.sort((a, b) => a.number - b.number);
  } else if (JSON.stringify(taken) !== JSON.stringify(seal)) {
    throw new TachographError(
      'end-conflict',
      `Project ${seal.projectId} has another seal ${seal.number}: read the last seal again and take the next number.`,
    );
  }
}

/** Seals of a project, or of one run, by number; they outlive their runs. */
export function listSeals(project: ProjectState, runId: string | null): Seal[] {
  return project.seals.filter((seal) => runId === null || seal.runId === runId);
}

/** Keeps a seal, and takes its run off the list of those that wait for one when it covers all that is stored. */
export function keepSeal(project: ProjectState, seal: Seal): void {
  putSeal(project, seal);
  const run = project.runById.get(seal.runId);
  if (run !== undefined && !isSealDue(run.view, [...run.writerById.values()], seal)) run.isSealDue = false;
}

/** Runs that wait for a seal, in the order in which they came into the store. */
export function listSealDue(state: State, limit: number): SealDue[] {
  const due = [...state.projectById].flatMap(([projectId, { runById }]) =>
    [...runById.values()].filter((run) => run.isSealDue).map(({ view }) => ({ projectId, runId: view.id })),
  );
  return due.slice(0, Math.max(0, limit));
}
