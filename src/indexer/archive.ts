import type { JournalEntry, ProcessIdentity } from '../core/journal.ts';

/** One journal file as the indexer sees it. */
export interface ArchiveFile {
  /** Its path. */
  readonly file: string;
  /** Its name in the store's positions: the same wherever the home lies. */
  readonly name: string;
  readonly projectId: string;
  readonly identity: ProcessIdentity;
  readonly bytes: number;
  /** When its writer last wrote to it or gave a sign of life, Unix milliseconds. */
  readonly modifiedAtMs: number;
}

/** A stretch of a journal that could not be read. */
export interface Damage extends Region {
  readonly cause: string;
}

/** Where something stands in a journal. */
export interface Region {
  readonly atBytes: number;
  readonly bytes: number;
}

/** A file whose head cannot be read, so that nothing in it can. */
export interface BrokenFile {
  readonly file: string;
  readonly cause: string;
  /** To be left where it is: for the newer version that wrote it, or until the system lets it be read. */
  readonly isLeft: boolean;
}

/** Entries read from one file. */
export interface ReadResult {
  readonly entries: readonly JournalEntry[];
  /** Where each entry stands, in the same order. */
  readonly regions: readonly Region[];
  readonly nextBytes: number;
  readonly damage: readonly Damage[];
  /** `torn`: what follows is no whole record (yet). */
  readonly end: 'clean' | 'torn' | 'more';
}

/** Which entries of a run lose their words. */
export interface ErasedEntries {
  readonly runId: string;
  /** As `<writer>/<n>`; `null`: all, also those that are written while this goes on. */
  readonly events: ReadonlySet<string> | null;
}

/** The journals of a home, as the indexer is handed them. */
export interface Archive {
  list(): { readonly files: readonly ArchiveFile[]; readonly broken: readonly BrokenFile[] };
  read(file: string, fromBytes: number, bytesMax: number): ReadResult;
  processState(identity: ProcessIdentity): 'alive' | 'gone' | 'unknown';
  /** Tells the writer how far its file is readable in the store. */
  acknowledge(file: string, bytes: number): void;
  /** False when it was not removed, since it has grown past `bytes`. */
  remove(file: string, bytes: number): boolean;
  /** Copies one region of a file aside with the reason, durably. The same one twice is one. */
  copyAside(file: string, region: Region, cause: string): void;
  /** Moves a file aside with the reason; it is never read again and never deleted. */
  quarantine(file: string, cause: string): void;
  /** Overwrites what entries of runs carry, in place; places and hashes stay. */
  eraseRuns(projectId: string, runs: readonly ErasedEntries[]): void;
  /** Overwrites contents wherever they are carried. */
  eraseContents(projectId: string, contentIds: ReadonlySet<string>): void;
  /** Makes every live writer forget which contents it has written. */
  bumpGeneration(): void;
  /** Calls `listener` soon after any journal grew; may miss, so the caller also polls. Returns the way to stop. */
  watch(listener: () => void): () => void;
}
