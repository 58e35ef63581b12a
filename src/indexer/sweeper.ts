import type { Clock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import type { OpenRun, Store } from '../core/store.ts';
import type { Archive } from './archive.ts';
import type { ImportedFile } from './importer.ts';
import type { OwnEvents } from './own-events.ts';

/** Ends what dead recorders left open. */
export interface Sweeper {
  /** Which writers are alive now. Asked before an import: what a process wrote before it was seen gone is then read. */
  observe(): WriterStates;
  /** Sweeps runs whose writers were all gone before the import and removes journals that nobody needs any more. */
  sweep(files: readonly ImportedFile[], states: WriterStates): Promise<void>;
}

/** State of each writer that has a journal, by writer id. */
export type WriterStates = ReadonlyMap<string, WriterState>;

/** A run whose process cannot be seen (another host, another boot without a trace) is given up after this. */
const unseenMs = 24 * 3600 * 1000;

type WriterState = 'alive' | 'gone' | 'unknown';

/** A sweeper. Its ends are guesses, marked so, and give way to a live writer's (I7). */
export function createSweeper(parts: {
  store: Store;
  archive: Archive;
  clock: Clock;
  ids: IdSource;
  own: OwnEvents;
}): Sweeper {
  const { store, archive, clock, own } = parts;

  const observe = (): WriterStates => {
    const states = new Map<string, WriterState>();
    for (const { identity } of archive.list().files) {
      if (!states.has(identity.writerId)) states.set(identity.writerId, archive.processState(identity));
    }
    return states;
  };

  const isAbandoned = (open: OpenRun, states: WriterStates, pending: ReadonlySet<string>): boolean => {
    if (open.run.source !== 'live' || open.run.status === 'pending') return false;
    return open.writerIds.every((writerId) => {
      if (pending.has(writerId) || own.isOurs(writerId)) return own.isOurs(writerId);
      // A journal goes only when its process is gone and all of it is in the store.
      const state = states.get(writerId) ?? 'gone';
      return state === 'gone' || (state === 'unknown' && clock.nowMs() - open.run.updatedAtMs > unseenMs);
    });
  };

  const end = (open: OpenRun): void => {
    for (const stepId of open.openStepIds) {
      own.emit(open.run, {
        type: 'step-end',
        stepId,
        facts: {
          status: 'interrupted',
          durationMs: null,
          timeToFirstTokenMs: null,
          usage: null,
          cost: null,
          resultStatus: null,
          swept: true,
        },
      });
    }
    own.emit(open.run, { type: 'run-end', facts: { endReason: 'interrupted', durationMs: null, swept: true } });
  };

  const sweepProject = async (projectId: string, states: WriterStates, pending: ReadonlySet<string>): Promise<void> => {
    for (const open of await store.listOpenRuns(projectId)) if (isAbandoned(open, states, pending)) end(open);
    await own.importInto(projectId);
  };

  const removeDone = async (files: readonly ImportedFile[], states: WriterStates): Promise<void> => {
    const newestByWriter = new Map<string, string>();
    for (const { identity, file } of files) {
      const known = newestByWriter.get(identity.writerId);
      if (known === undefined || file > known) newestByWriter.set(identity.writerId, file);
    }
    for (const { file, name, identity, isDone } of files) {
      const isRotated = newestByWriter.get(identity.writerId) !== file;
      const isDead = states.get(identity.writerId) === 'gone';
      if (isRotated ? !isDone : !isDead) continue;
      // A torn tail of a dead process is half a record that was never acknowledged; what was damaged before it has been
      // copied aside.
      archive.remove(file);
      await store.forgetJournal(name);
    }
  };

  return {
    observe,
    async sweep(files, observed) {
      // A writer that came after the observation lives.
      const states = new Map(observed);
      for (const { identity } of files) if (!states.has(identity.writerId)) states.set(identity.writerId, 'alive');
      // A torn tail counts as read once its process is gone; until then more may come.
      const pending = new Set(
        files.filter((f) => !f.isDone && states.get(f.identity.writerId) !== 'gone').map((f) => f.identity.writerId),
      );
      for (const projectId of await store.listProjects()) await sweepProject(projectId, states, pending);
      await removeDone(files, states);
    },
  };
}
