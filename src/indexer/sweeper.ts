import type { Clock } from '../core/clock.ts';
import { sweptStepEnd } from '../core/record/facts.ts';
import type { OpenRun, Store } from '../core/store.ts';
import type { Archive } from './archive.ts';
import type { ImportedFile } from './importer.ts';
import type { OwnEvents } from './own-events.ts';
import type { Pulse, Pulses } from './pulse.ts';
import { createPulseTaker } from './pulse.ts';

/** Ends what dead recorders left open. */
export interface Sweeper {
  /** How each writer is. Asked before an import: what a process wrote before it was seen gone is then read. */
  observe(): Pulses;
  /** Sweeps runs whose writers were all given up before the import and removes journals that nobody needs any more. */
  sweep(files: readonly ImportedFile[], pulses: Pulses): Promise<void>;
}

/** What is known of writers when runs are looked at. */
interface Around {
  readonly pulses: Pulses;
  /** Not read to their end yet. */
  readonly pending: ReadonlySet<string>;
  /** Their journals lie in other homes. */
  readonly elsewhere: ReadonlySet<string>;
}

const nobody: ReadonlySet<string> = new Set();

/** Whoever is silent for so long is given up, seen or not. */
const silentMs = 24 * 3600 * 1000;

/**
 * A sweeper. Its ends are guesses, marked so, and give way to a live writer's (I7).
 *
 *   the process          is gone ───────────────────────────────────► given up at once
 *                        cannot be seen (other host, container, sink) ► given up after `staleMs` without a sign of life
 *                        lives ─────────────────────────────────────► given up after 24 h without one
 *                        writes into another home of this store ────► that home's to judge; given up 24 h after its last event
 */
export function createSweeper(parts: {
  store: Store;
  archive: Archive;
  clock: Clock;
  own: OwnEvents;
  staleMs: number;
  /** Other homes import into the same store. */
  isShared: boolean;
}): Sweeper {
  const { store, archive, clock, own, staleMs, isShared } = parts;
  const taker = createPulseTaker({ archive, clock });

  const isGivenUp = ({ state, quietMs }: Pulse): boolean =>
    state === 'gone' || quietMs > (state === 'unknown' ? staleMs : silentMs);

  const isAbandoned = (open: OpenRun, around: Around): boolean => {
    const { pulses, pending } = around;
    const { source, status, updatedAtMs, work } = open.run;
    // Of a run under leases the reaper decides: it is not over when a worker dies.
    if (work !== null) return false;
    // What waits, for a worker or a person, was never begun or is nobody's fault; other sources have no recorder.
    if (source !== 'live' || status !== 'running') return false;
    return open.writerIds.every((writerId) => {
      if (pending.has(writerId) || own.isOurs(writerId)) return own.isOurs(writerId);
      // A journal goes only when its process is given up and all of it is in the store.
      const pulse = pulses.get(writerId);
      const isLongAgo = clock.nowMs() - updatedAtMs > silentMs;
      if (pulse === undefined) return isLongAgo || !around.elsewhere.has(writerId);
      return pulse.state === 'gone' || (isGivenUp(pulse) && (pulse.state === 'unknown' || isLongAgo));
    });
  };

  /** Writers of journals that the store knows and this home has not: a journal is forgotten when its own home removes it. */
  const writersElsewhere = async (files: readonly ImportedFile[]): Promise<ReadonlySet<string>> => {
    const ours = new Set(files.map(({ name }) => name));
    const names = (await store.journalPositions()).map(({ file }) => file).filter((file) => !ours.has(file));
    return new Set(names.flatMap((name) => /-([0-9a-f]{16})\.[a-z]+$/.exec(name)?.[1] ?? []));
  };

  const end = (open: OpenRun): void => {
    for (const stepId of open.openStepIds) {
      own.emit(open.run, {
        type: 'step-end',
        stepId,
        facts: sweptStepEnd(),
      });
    }
    own.emit(open.run, { type: 'run-end', facts: { endReason: 'interrupted', durationMs: null, swept: true } });
  };

  const sweepProject = async (projectId: string, around: Around): Promise<void> => {
    for (const open of await store.listOpenRuns(projectId)) if (isAbandoned(open, around)) end(open);
    await own.importInto(projectId);
  };

  /** Nobody will write to it any more, as far as anybody can know. */
  const isLeft = ({ state, quietMs }: Pulse): boolean =>
    state === 'gone' || (state === 'unknown' && quietMs > silentMs);

  const removeDone = async (files: readonly ImportedFile[], pulses: Pulses): Promise<void> => {
    const newestByWriter = new Map<string, string>();
    for (const { identity, file } of files) {
      const known = newestByWriter.get(identity.writerId);
      if (known === undefined || file > known) newestByWriter.set(identity.writerId, file);
    }
    for (const { file, name, identity, bytes, isDone } of files) {
      const isRotated = newestByWriter.get(identity.writerId) !== file;
      const pulse = pulses.get(identity.writerId);
      if (isRotated ? !isDone : pulse === undefined || !isLeft(pulse)) continue;
      // A torn tail of a dead process is half a record that was never acknowledged; what was damaged before it has been
      // copied aside.
      if (archive.remove(file, bytes)) await store.forgetJournal(name);
    }
  };

  return {
    observe: () => taker.take(),
    async sweep(files, observed) {
      // A writer that came after the observation lives.
      const pulses = new Map(observed);
      for (const { identity } of files)
        if (!pulses.has(identity.writerId)) pulses.set(identity.writerId, { state: 'alive', quietMs: 0 });
      // A torn tail counts as read once its process is given up; until then more may come.
      const pending = new Set(
        files
          .filter((file) => !file.isDone && !isGivenUp(pulses.get(file.identity.writerId)!))
          .map(({ identity }) => identity.writerId),
      );
      const elsewhere = isShared ? await writersElsewhere(files) : nobody;
      for (const projectId of await store.listProjects()) await sweepProject(projectId, { pulses, pending, elsewhere });
      await removeDone(files, pulses);
    },
  };
}
