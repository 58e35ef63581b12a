import { foldEvents } from '../../core/import/fold.ts';
import type { ErasureResult } from '../../core/store.ts';
import { dropAnnotations } from './annotations.ts';
import { eraseEvents } from './events.ts';
import { replaceViews } from './imports.ts';
import { trim } from './purge.ts';
import { findRun, projectOf, type State } from './state.ts';

/**
 * Drops the words of a run. Its views become what its events still say without payloads, by the same fold as a
 * rebuild, so I11 holds for an erased run too.
 */
export function eraseRecord(state: State, projectId: string, runId: string): ErasureResult {
  const project = projectOf(state, projectId);
  const run = findRun(state, projectId, runId);
  const events = eraseEvents(run);
  const tips = [...run.tips];
  const contents = [...run.stepIdByContent.keys()];
  run.tips.clear();
  run.stepIdByContent.clear();
  replaceViews(run, foldEvents(projectId, run.events, new Map()));
  dropAnnotations(project, runId, true);
  const { dropped, shared } = trim(project, run.epoch, tips, contents);
  state.changes += 1;
  return { runs: 1, events, contents: dropped, shared };
}
