import type { Clock } from '../core/clock.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { ImportResult, Store } from '../core/store.ts';
import type { Archive, ArchiveFile, ReadResult, Region } from './archive.ts';
import { isPassing, toReason } from './failure.ts';

/** A run that changed. */
export interface News {
  readonly projectId: string;
  readonly runId: string;
  readonly lastSeq: number;
}

/** Something an operator should know: shown by `doctor` and in the log. */
export interface Problem {
  readonly file: string;
  readonly message: string;
}

/** What the importer works with. */
export interface ImporterParts {
  readonly store: Store;
  readonly archive: Archive;
  readonly clock: Clock;
  readonly onNews: (news: News) => void;
  readonly onProblem: (problem: Problem) => void;
}

/** Moves journal files into the store. */
export interface Importer {
  /**
   * Imports what is new in every file; returns the files that could be read and how far each is imported. What cannot be imported is left
   * out, kept aside and reported; a file that cannot be read is tried again later, or now when asked to be thorough, and
   * stops no other. Throws only for a store that takes nothing at all.
   */
  importAll(options: { readonly isThorough: boolean }): Promise<readonly ImportedFile[]>;
}

/** A file with its state after an import. */
export interface ImportedFile extends ArchiveFile {
  /** Bytes that are in the store, or kept aside. */
  readonly importedBytes: number;
  /** Nothing readable is left in it. */
  readonly isDone: boolean;
}

/** Read at a time: large enough that a transaction carries hundreds of events, small enough that pages stay short. */
const chunkBytes = 2 * 1024 * 1024;

/** A file that failed waits before it is tried again, each time twice as long. */
const retryMs = { first: 1000, max: 60_000 };

/** Problems of one file told one by one; the rest stands in its cause in quarantine. */
const toldMax = 20;

/** Entries of a file in a row, and the bytes from which and up to which they are all that is readable. */
interface Stretch {
  readonly entries: readonly JournalEntry[];
  readonly regions: readonly Region[];
  readonly fromBytes: number;
  readonly toBytes: number;
}

function halve({ entries, regions, fromBytes, toBytes }: Stretch): [Stretch, Stretch] {
  const half = entries.length >> 1;
  const middle = regions[half]!.atBytes;
  return [
    { entries: entries.slice(0, half), regions: regions.slice(0, half), fromBytes, toBytes: middle },
    { entries: entries.slice(half), regions: regions.slice(half), fromBytes: middle, toBytes },
  ];
}

interface FileState {
  failures: number;
  retryAtMs: number;
  readonly told: Set<string>;
}

/**
 * An importer. Positions live in the store, written in the same transaction as the entries.
 *
 *   chunk ─► one transaction ─┬─► done
 *                             ├─► the store is busy or full ─────► stop, all of it later
 *                             └─► else: the halves, one by one ─► … ─► the one entry ─► copied aside, stepped over
 */
export function createImporter(parts: ImporterParts): Importer {
  const { store, archive, clock } = parts;
  let positionByName: Map<string, number> | null = null;
  const stateByName = new Map<string, FileState>();

  const loadPositions = async (): Promise<Map<string, number>> => {
    positionByName ??= new Map((await store.journalPositions()).map(({ file, bytes }) => [file, bytes]));
    return positionByName;
  };

  const stateOf = (name: string): FileState => {
    let state = stateByName.get(name);
    if (state === undefined) {
      state = { failures: 0, retryAtMs: Number.NEGATIVE_INFINITY, told: new Set() };
      stateByName.set(name, state);
    }
    return state;
  };

  const report = (name: string, file: string, message: string): void => {
    const { told } = stateOf(name);
    if (told.has(message) || told.size >= toldMax) return;
    told.add(message);
    parts.onProblem({ file, message });
  };

  const failFile = (file: ArchiveFile, error: unknown): void => {
    const state = stateOf(file.name);
    state.retryAtMs = clock.monotonicMs() + Math.min(retryMs.max, retryMs.first * 2 ** state.failures);
    state.failures += 1;
    report(file.name, file.file, `it cannot be imported now and is tried again later: ${toReason(error)}`);
  };

  const put = async (file: ArchiveFile, entries: readonly JournalEntry[], toBytes: number): Promise<void> => {
    const { projectId, name } = file;
    const result: ImportResult = await store.importBatch({
      projectId,
      entries,
      position: { file: name, bytes: toBytes },
    });
    positionByName!.set(name, toBytes);
    for (const { runId, lastSeq } of result.changedRuns) parts.onNews({ projectId, runId, lastSeq });
    try {
      archive.acknowledge(file.file, toBytes);
    } catch (error) {
      // Only whoever waits for `flush` misses it; the next chunk says it again.
      report(name, file.file, `its writer cannot be told how far it is imported: ${toReason(error)}`);
    }
  };

  /** Copies a region aside; false when that failed, and nothing may be stepped over. */
  const keepAside = (file: ArchiveFile, region: Region, cause: string): boolean => {
    try {
      archive.copyAside(file.file, region, cause);
      return true;
    } catch (error) {
      failFile(file, error);
      return false;
    }
  };

  const stepOver = async (file: ArchiveFile, stretch: Stretch, error: unknown): Promise<boolean> => {
    const region = stretch.regions[0]!;
    const cause = `this entry cannot be imported: ${toReason(error)}`;
    if (!keepAside(file, region, cause)) return false;
    report(file.name, file.file, `${region.bytes} bytes at ${region.atBytes}: ${cause}; a copy is in quarantine`);
    await put(file, [], stretch.toBytes);
    return true;
  };

  /** Imports a stretch of which some entry fails, half by half; false when the file must wait. */
  const bisect = async (file: ArchiveFile, stretch: Stretch, failure: unknown): Promise<boolean> => {
    if (stretch.entries.length === 1) return stepOver(file, stretch, failure);
    for (const half of halve(stretch)) {
      let error: unknown = null;
      await put(file, half.entries, half.toBytes).catch((thrown: unknown) => void (error = thrown ?? failure));
      if (error === null) continue;
      if (isPassing(error)) throw error;
      if (!(await bisect(file, half, error))) return false;
    }
    return true;
  };

  /** Imports a stretch; false when the file must wait. Throws when the store takes nothing at all. */
  const importStretch = async (file: ArchiveFile, stretch: Stretch): Promise<boolean> => {
    try {
      await put(file, stretch.entries, stretch.toBytes);
      return true;
    } catch (error) {
      if (stretch.entries.length === 0 || isPassing(error)) throw error;
      // A store that takes nothing fails here again, and no entry is blamed for it.
      await put(file, [], stretch.fromBytes);
      return bisect(file, stretch, error);
    }
  };

  const keepDamage = (file: ArchiveFile, { damage }: ReadResult): boolean => {
    for (const { cause, ...region } of damage) {
      report(file.name, file.file, `${region.bytes} bytes at ${region.atBytes} cannot be read: ${cause}`);
      if (!keepAside(file, region, cause)) return false;
    }
    return true;
  };

  const read = (file: ArchiveFile, fromBytes: number): ReadResult | null => {
    try {
      return archive.read(file.file, fromBytes, chunkBytes);
    } catch (error) {
      failFile(file, error);
      return null;
    }
  };

  const importFile = async (file: ArchiveFile, fromBytes: number): Promise<void> => {
    for (let from = fromBytes; ;) {
      const part = read(file, from);
      if (part === null || !keepDamage(file, part)) return;
      const { entries, regions, nextBytes } = part;
      if (nextBytes === from) return;
      if (!(await importStretch(file, { entries, regions, fromBytes: from, toBytes: nextBytes }))) return;
      stateOf(file.name).failures = 0;
      from = nextBytes;
      if (part.end !== 'more') return;
    }
  };

  const moveAside = ({ file, cause, isLeft }: { file: string; cause: string; isLeft: boolean }): void => {
    report(file, file, cause);
    if (isLeft) return;
    try {
      archive.quarantine(file, cause);
    } catch (error) {
      report(file, file, `it cannot be moved into quarantine: ${toReason(error)}`);
    }
  };

  return {
    async importAll({ isThorough }) {
      const positions = await loadPositions();
      const { files, broken } = archive.list();
      for (const item of broken) moveAside(item);
      const imported: ImportedFile[] = [];
      for (const file of files) {
        const from = positions.get(file.name) ?? 0;
        const isDue = isThorough || clock.monotonicMs() >= stateOf(file.name).retryAtMs;
        if (file.bytes > from && isDue) await importFile(file, from);
        const importedBytes = positions.get(file.name) ?? 0;
        // A file that waits is nobody's to remove: what is left in it has not been read.
        if (stateOf(file.name).failures > 0) continue;
        imported.push({ ...file, importedBytes, isDone: importedBytes >= file.bytes });
      }
      return imported;
    },
  };
}
