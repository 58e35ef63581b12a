import { TachographError } from '../core/error.ts';
import { isTerminal } from '../core/model/run.ts';
import type { ErasureResult, Store } from '../core/store.ts';
import type { Archive } from './archive.ts';
import type { OwnEvents } from './own-events.ts';

/** What erasing a run needs. */
export interface EraserParts {
  readonly store: Store;
  readonly archive: Archive;
  readonly own: OwnEvents;
  readonly importAll: () => Promise<void>;
  readonly sealAll: () => Promise<void>;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Longer than a live recorder takes to notice a new generation. */
const noticeMs = 250;

/**
 * Erases a run wherever its words are: store, index and journals. Live recorders are first made to forget what they
 * have written, so that nothing recorded from now on relies on a content that is about to go; what they wrote before
 * is imported, so that a content they share is known to be shared.
 */
export async function eraseRun(parts: EraserParts, run: { projectId: string; runId: string }): Promise<ErasureResult> {
  const { store, archive, own } = parts;
  const view = await store.getRun(run.projectId, run.runId);
  if (!isTerminal(view.status)) {
    throw new TachographError(
      'end-conflict',
      `Run ${run.runId} is still ${view.status}: end it first, then erase it, or its next words would come back.`,
    );
  }
  archive.bumpGeneration();
  await parts.sleep(noticeMs);
  await parts.importAll();
  const result = await store.eraseRun(run.projectId, run.runId);
  archive.eraseRun(run.projectId, run.runId);
  const { events, contents, shared } = result;
  own.emit(view, { type: 'content-erase', facts: null, payload: { scope: 'run', events, contents, shared } });
  await own.importInto(run.projectId);
  await parts.sealAll();
  return result;
}
