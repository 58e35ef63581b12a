import { systemClock } from '../../core/clock.ts';
import type { Journal, JournalEntry } from '../../core/journal.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { RecorderOptions } from '../../core/record/recorder.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { Store } from '../../core/store.ts';
import type { Taken } from './import-queue.ts';
import { createImportQueue } from './import-queue.ts';
import { createTeeJournal } from './tee-journal.ts';

/** A recorder of runs under leases: what it records is in its journal at once, and soon after in the store. */
export interface LeasedRecorder extends Recorder {
  /**
   * Resolves when all that was recorded before is in the store, so that a call that must be recorded before it leaves may
   * leave (I3). `E-RUN-007` when the store does not take it in time.
   */
  settle(): Promise<void>;
  /** Takes out what is not in the store yet of these runs, to be written with a change of theirs. */
  take(runIds: ReadonlySet<string>): Promise<Taken>;
  /** Brings what was taken out into the store all the same: the change was not made. */
  putBack(entries: readonly JournalEntry[]): void;
  /** Contents written before can no longer be relied on: they are written anew. */
  forget(): void;
}

/** How a leased recorder is made: as any recorder, and with the store. */
export interface LeasedRecorderOptions extends RecorderOptions {
  readonly journal: Journal;
  readonly store: Pick<Store, 'importBatch'>;
  readonly projectId: string;
  /** What nobody waits for is in the store after so long, unless the store is away; 15 ms unless said. */
  readonly lagMs?: number;
  /** So long `settle` waits for a store that is away; 10 s unless said. */
  readonly settleMs?: number;
}

/** A recorder over a journal of its own (a file, or memory) and a project's store. */
export function createLeasedRecorder(options: LeasedRecorderOptions): LeasedRecorder {
  const { journal: inner, store, projectId, lagMs, settleMs, ...recording } = options;
  const queue = createImportQueue({
    store,
    projectId,
    clock: options.clock ?? systemClock,
    onError: options.onError ?? (() => undefined),
    backlogBytesMax: options.limits?.backlogBytesMax ?? defaultLimits.backlogBytesMax,
    ...(lagMs === undefined ? {} : { lagMs }),
    ...(settleMs === undefined ? {} : { settleMs }),
  });
  const journal = createTeeJournal(inner, queue);
  return {
    ...createRecorder({ ...recording, journal }),
    settle: () => queue.settle(),
    take: (runIds) => queue.take(runIds),
    putBack: (entries) => queue.putBack(entries),
    forget: () => journal.forget(),
  };
}
