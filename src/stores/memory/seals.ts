import { TachographError } from '../../core/error.ts';
import type { Seal } from '../../core/record/seal.ts';
import { haveWritersMoved, isSealDue } from '../../core/query/sealing.ts';
import type { SealDue, SealingView, WriterHead } from '../../core/store.ts';
import type { ProjectState, RunState, State } from './state.ts';

/** The seal that has a number. Numbers are given upwards, so a new one is mostly above all. */
function sealOf(project: ProjectState, number: number): Seal | undefined {
  const last = project.seals.at(-1);
  return last === undefined || last.number < number
    ? undefined
    : project.seals.find((other) => other.number === number);
}

/** Seals of a project, or of one run, by number; they outlive their runs. */
export function listSeals(project: ProjectState, runId: string | null): Seal[] {
  return project.seals.filter((seal) => runId === null || seal.runId === runId);
}

/** Keeps seals, all or none, and takes each run off the list of those that wait for one when its seal covers all that is stored. */
export function keepSeals(project: ProjectState, seals: readonly Seal[]): void {
  for (const seal of seals) {
    const taken = sealOf(project, seal.number);
    if (taken === undefined || JSON.stringify(taken) === JSON.stringify(seal)) continue;
    throw new TachographError(
      'end-conflict',
      `Project ${seal.projectId} has another seal ${seal.number}: read the last seal again and take the next number.`,
    );
  }
  for (const seal of seals) {
    if (sealOf(project, seal.number) === undefined) project.seals.push(seal);
    const run = project.runById.get(seal.runId);
    if (run !== undefined && !isSealDue(run.view, [...run.writerById.values()], seal)) run.isSealDue = false;
  }
  project.seals.sort((a, b) => a.number - b.number);
}

/** Takes a run off the list of those that wait for a seal; with `seen`, only while its writers stand there still. */
export function forgetSealDue(run: RunState, seen: readonly WriterHead[] | null): void {
  if (seen === null || !haveWritersMoved(seen, [...run.writerById.values()])) run.isSealDue = false;
}

/** What is to be known before some runs are sealed. */
export function readSealing(project: ProjectState, runIds: readonly string[]): SealingView {
  const runs = runIds.flatMap((runId) => {
    const run = project.runById.get(runId);
    if (run === undefined) return [];
    const newest = project.seals.findLast((seal) => seal.runId === runId) ?? null;
    return [{ runId, newest, writers: [...run.writerById.values()] }];
  });
  return { last: project.seals.at(-1) ?? null, runs };
}

/** Runs that wait for a seal, in the order in which they came into the store. */
export function listSealDue(state: State, limit: number): SealDue[] {
  const due = [...state.projectById].flatMap(([projectId, { runById }]) =>
    [...runById.values()].filter((run) => run.isSealDue).map(({ view }) => ({ projectId, runId: view.id })),
  );
  return due.slice(0, Math.max(0, limit));
}
