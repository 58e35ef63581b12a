import type { Store } from '../core/store.ts';
import type { Archive, ArchiveFile } from './archive.ts';

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
  readonly onNews: (news: News) => void;
  readonly onProblem: (problem: Problem) => void;
  readonly toSeal: (projectId: string, runIds: readonly string[]) => void;
}

/** Moves journal files into the store. */
export interface Importer {
  /** Imports what is new in every file; returns the files and how far each is imported. */
  importAll(): Promise<readonly ImportedFile[]>;
}

/** A file with its state after an import. */
export interface ImportedFile extends ArchiveFile {
  /** Bytes that are in the store. */
  readonly importedBytes: number;
  /** Nothing readable is left in it. */
  readonly isDone: boolean;
  /** What of it could not be read, or `null`: such a file is kept aside, never removed. */
  readonly damage: string | null;
}

/** Read at a time: large enough that a transaction carries hundreds of events, small enough that pages stay short. */
const chunkBytes = 2 * 1024 * 1024;

/** An importer. Positions live in the store, written in the same transaction as the entries. */
export function createImporter(parts: ImporterParts): Importer {
  const { store, archive } = parts;
  let positionByName: Map<string, number> | null = null;
  const reported = new Set<string>();
  const damageByName = new Map<string, string>();

  const loadPositions = async (): Promise<Map<string, number>> => {
    positionByName ??= new Map((await store.journalPositions()).map(({ file, bytes }) => [file, bytes]));
    return positionByName;
  };

  const report = (file: string, message: string): void => {
    const key = `${file} ${message}`;
    if (reported.has(key)) return;
    reported.add(key);
    parts.onProblem({ file, message });
  };

  const importChunk = async (file: ArchiveFile, fromBytes: number): Promise<{ nextBytes: number; isMore: boolean }> => {
    const { entries, nextBytes, damage, end } = archive.read(file.file, fromBytes, chunkBytes);
    for (const { atBytes, bytes, cause } of damage) {
      const message = `${bytes} bytes at ${atBytes} cannot be read: ${cause}`;
      damageByName.set(file.name, message);
      report(file.file, message);
    }
    if (nextBytes === fromBytes) return { nextBytes, isMore: false };
    const result = await store.importBatch({
      projectId: file.projectId,
      entries,
      position: { file: file.name, bytes: nextBytes },
    });
    for (const { runId, lastSeq } of result.changedRuns) parts.onNews({ projectId: file.projectId, runId, lastSeq });
    parts.toSeal(file.projectId, result.runsToSeal);
    archive.acknowledge(file.file, nextBytes);
    return { nextBytes, isMore: end === 'more' };
  };

  const toImported = (file: ArchiveFile, importedBytes: number): ImportedFile => ({
    ...file,
    importedBytes,
    isDone: importedBytes >= file.bytes,
    damage: damageByName.get(file.name) ?? null,
  });

  const importFile = async (file: ArchiveFile, positions: Map<string, number>): Promise<ImportedFile> => {
    let from = positions.get(file.name) ?? 0;
    for (;;) {
      const { nextBytes, isMore } = await importChunk(file, from);
      positions.set(file.name, nextBytes);
      from = nextBytes;
      if (!isMore) return toImported(file, from);
    }
  };

  return {
    async importAll() {
      const positions = await loadPositions();
      const { files, broken } = archive.list();
      for (const { file, cause, isNewer } of broken) {
        report(file, cause);
        if (!isNewer) archive.quarantine(file, cause);
      }
      const imported: ImportedFile[] = [];
      for (const file of files) {
        const known = positions.get(file.name) ?? 0;
        imported.push(file.bytes > known ? await importFile(file, positions) : toImported(file, known));
      }
      return imported;
    },
  };
}
