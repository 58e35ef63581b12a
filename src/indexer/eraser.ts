import { TachographError } from '../core/error.ts';
import { isTerminal } from '../core/model/run.ts';
import type { ErasureResult, SealDue, Store } from '../core/store.ts';
import type { Archive } from './archive.ts';
import type { OwnEvents } from './own-events.ts';
import type { Sealer } from './sealer.ts';

/** What erasing a run needs. */
export interface EraserParts {
  readonly store: Store;
  readonly archive: Archive;
  readonly own: OwnEvents;
  readonly importAll: () => Promise<void>;
  readonly sealer: Sealer;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Longer than a live recorder takes to notice a new generation. */
const noticeMs = 250;

/**
 * Erases a run wherever its words are: store, index and journals. The seal that says so comes first, since words that go
 * without one count as taken by a stranger; killed in between, the run is only erased in part, and can be erased again. Live recorders are first made to forget what they
 * have written, so that nothing recorded from now on relies on a content that is about to go; what they wrote before
 * is imported, so that a content they share is known to be shared.
 */
export async function eraseRun(parts: EraserParts, run: SealDue): Promise<ErasureResult> {
  const { store, archive, own, sealer } = parts;
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
  await sealer.sealErasure(run, 'all');
  const result = await store.eraseRun(run.projectId, run.runId);
  archive.eraseRun(run.projectId, run.runId);
  // What was recorded meanwhile lost its words too, here or in its journal.
  await parts.importAll();
  await sealer.sealErasure(run, 'gone');
  const { events, contents, shared } = result;
  own.emit(view, { type: 'content-erase', facts: { scope: 'run', events, contents, shared } });
  await own.importInto(run.projectId);
  await sealer.sealAll();
  return result;
}
