import { isTerminal } from '../../../core/work/state.ts';
import type { WorkProject } from './state.ts';
import { dropWords } from './state.ts';

/** True for a run that has not ended: it is no retention's to drop. */
export function isOpenWork(project: WorkProject, runId: string): boolean {
  const run = project.runById.get(runId);
  return run !== undefined && !isTerminal(run.row.state);
}

/** Drops the rows of runs that a purge dropped from the record, their keys with them. */
export function dropGone(project: WorkProject, isThere: (runId: string) => boolean): void {
  for (const runId of project.runById.keys()) if (!isThere(runId)) project.runById.delete(runId);
  for (const [key, runId] of project.runIdByKey) if (!project.runById.has(runId)) project.runIdByKey.delete(key);
}

/** Forgets the words of an ended run that was kept to be driven again, when they are erased from the record. */
export function eraseWork(project: WorkProject, runId: string): void {
  const run = project.runById.get(runId);
  if (run !== undefined && isTerminal(run.row.state)) dropWords(run);
}
