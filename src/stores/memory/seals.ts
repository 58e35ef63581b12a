import { TachographError } from '../../core/error.ts';
import type { Seal } from '../../core/record/seal.ts';
import type { ProjectState } from './state.ts';

/** Keeps a seal. The same one twice is one; another one under a number that is taken is refused. */
export function putSeal(project: ProjectState, seal: Seal): void {
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
