import type { Content } from '../../core/content/content.ts';
import { foldEvents } from '../../core/import/fold.ts';
import type { ErasedPart } from '../../core/life/erased-part.ts';
import type { ErasureNote, StoredErasure } from '../../core/store.ts';
import { erasureNotesMax } from '../../core/life/late-words.ts';
import { dropNotes } from './annotations.ts';
import { eraseEvents } from './events.ts';
import { replaceViews } from './imports.ts';
import { trim } from './purge.ts';
import { findRun, projectOf, type ProjectState, type State } from './state.ts';

/** Counts an erasure of a project, and notes the run that lost its words. */
export function countErasure({ erasures }: ProjectState, runId: string | null): void {
  erasures.count += 1;
  if (runId === null) return;
  const { numberByRun } = erasures;
  numberByRun.delete(runId);
  numberByRun.set(runId, erasures.count);
  const [oldest] = numberByRun.keys();
  if (numberByRun.size > erasureNotesMax && oldest !== undefined) numberByRun.delete(oldest);
}

/** The runs that lost words after the count was `after`. */
export function listErasures({ erasures }: ProjectState, after: number): readonly ErasureNote[] {
  return [...erasures.numberByRun].map(([runId, number]) => ({ number, runId })).filter(({ number }) => number > after);
}

/**
 * Drops the words of a run, or of a part of it. Its views become what its events still say, by the same fold as a
 * rebuild, so I11 holds for an erased run too.
 */
export function eraseRecord(state: State, projectId: string, runId: string, part: ErasedPart | null): StoredErasure {
  const project = projectOf(state, projectId);
  const run = findRun(state, projectId, runId);
  const events = eraseEvents(run, part);
  const tips = [...run.tips];
  const uses = [...run.stepIdByContent];
  run.tips.clear();
  run.stepIdByContent.clear();
  const isKept = (stepId: string | null): boolean => part !== null && stepId !== null && !part.stepIds.has(stepId);
  for (const [id, stepId] of uses) if (isKept(stepId)) run.stepIdByContent.set(id, stepId);
  const contentById = project.epochByNumber.get(run.epoch)?.contentById;
  replaceViews(
    run,
    foldEvents(
      projectId,
      run.events,
      (part === null ? undefined : contentById) ?? new Map<string, Content>(),
      state.prices,
    ),
  );
  // What is still used keeps its place: hits are listed in the order of uses.
  const used = new Map(run.stepIdByContent);
  run.stepIdByContent.clear();
  for (const [id] of [...uses, ...used]) if (used.has(id)) run.stepIdByContent.set(id, used.get(id) ?? null);
  dropNotes(project, runId, part);
  const leaving = uses.map(([id]) => id).filter((id) => !run.stepIdByContent.has(id));
  const { dropped, shared } = trim(project, run.epoch, tips, leaving);
  countErasure(project, runId);
  state.changes += 1;
  return {
    runs: 1,
    events,
    contents: dropped.length,
    shared: shared.length,
    droppedIds: dropped,
    sharedIds: shared,
  };
}
