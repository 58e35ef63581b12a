import type { Directory } from './access/directory.ts';
import type { Content, ContentKind } from './content/content.ts';
import type { ContextNode } from './content/context.ts';
import type { ErasedPart } from './life/erased-part.ts';
import type { AttemptView } from './model/attempt.ts';
import type { EndReason, RunStatus, RunView } from './model/run.ts';
import type { StepView } from './model/step.ts';
import type { Usage } from './model/usage.ts';
import type { RecordedEvent } from './record/event.ts';
import type { JournalEntry } from './journal.ts';
import type { Seal } from './record/seal.ts';
import type { WorkStore } from './work/work.ts';

/** An event in the store: `seq` is the merge order of its run, from 1, gapless, for reading only and never hashed. */
export interface StoredEvent extends RecordedEvent {
  readonly seq: number;
}

/** Entries of one project, in journal order, to be imported atomically. */
export interface ImportBatch {
  readonly projectId: string;
  readonly entries: readonly JournalEntry[];
  /** Where the reader of a journal file stands after these entries; stored in the same transaction. */
  readonly position: JournalPosition | null;
}

/** How far a journal file has been imported. */
export interface JournalPosition {
  readonly file: string;
  readonly bytes: number;
}

/** What an import did. */
export interface ImportResult {
  readonly events: number;
  /** Events that were already there. */
  readonly duplicates: number;
  readonly contents: number;
  /** Runs that changed, with their last seq. */
  readonly changedRuns: readonly { readonly runId: string; readonly lastSeq: number }[];
  /** Runs that are terminal after this import and have events past their newest seal. */
  readonly runsToSeal: readonly string[];
}

/** Which runs to list. A zero filter is the newest of all top-level and nested runs, dry runs left out. */
export interface RunFilter {
  readonly status?: readonly RunStatus[];
  readonly endReason?: readonly EndReason[];
  readonly agentId?: string;
  readonly callerId?: string;
  readonly channelId?: string;
  readonly sessionId?: string;
  readonly model?: string;
  readonly kind?: string;
  /** Every pair must be present. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly topLevelOnly?: boolean;
  /** Dry runs too. */
  readonly includeDryRun?: boolean;
  /** `true`: dry runs only; `false`: none. Wins over includeDryRun. */
  readonly dryRun?: boolean;
  readonly hasError?: boolean;
  /** since ≤ started < until, Unix milliseconds; creation stands for the start of a run not started. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Full text: words, or "a phrase" in double quotes. */
  readonly text?: string;
}

/** A page of a list. A limit ≤ 0 or > 500 becomes 50, and `limitCorrected` says so. */
export interface PageRequest {
  readonly limit?: number;
  readonly offset?: number;
  /** Opaque, from a previous page's `nextCursor`. */
  readonly cursor?: string;
}

/** A page, newest first unless said otherwise. Order is total: ties in time are broken by id. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
  readonly limit: number;
  readonly limitCorrected: boolean;
}

/** One full-text hit. */
export interface SearchHit {
  readonly runId: string;
  readonly stepId: string | null;
  readonly kind: ContentKind | 'error';
  readonly contentId: string | null;
  /** Text around the hit; matched words stand between U+E000 and U+E001. */
  readonly snippet: string;
  readonly timeMs: number;
  readonly rank: number;
}

/** What people or programs add later; beside the record, never in it. */
export interface Annotation {
  readonly id: string;
  readonly runId: string;
  readonly stepId: string | null;
  readonly kind: 'score' | 'note' | 'label' | 'pin';
  readonly name: string | null;
  readonly value: number | string | null;
  readonly author: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Totals over a range, one row per group. */
export interface TotalsRow {
  /** The model, agent or UTC day (YYYY-MM-DD). */
  readonly key: string;
  readonly runs: number;
  readonly steps: number;
  readonly errors: number;
  /** Errors / steps, or `null` without steps. */
  readonly errorRate: number | null;
  readonly usage: Usage;
  /** `null` when any priced step is unknown (I12); `costKnownNanoUsd` sums the known ones. */
  readonly costNanoUsd: number | null;
  readonly costKnownNanoUsd: number;
  readonly durationP50Ms: number | null;
  readonly durationP90Ms: number | null;
  readonly durationP99Ms: number | null;
}

/** Result of an erasure. */
export interface ErasureResult {
  readonly runs: number;
  readonly events: number;
  readonly contents: number;
  readonly shared: number;
}

/** What an erasure did in a store, and which contents went and which stay. */
export interface StoredErasure extends ErasureResult {
  readonly droppedIds: readonly string[];
  readonly sharedIds: readonly string[];
}

/** A run that lost words, and which erasure of its project that was, the newest of them. */
export interface ErasureNote {
  /** What the project's `erasureCount` became with it. */
  readonly number: number;
  readonly runId: string;
}

/** A writer of a run: how far its chain is known. */
export interface WriterHead {
  readonly runId: string;
  readonly writerId: string;
  /** Highest n stored. */
  readonly n: number;
  /** Hash of the event `n`, 32 bytes. */
  readonly hash: Uint8Array;
  /** n that are known to be missing below the highest. */
  readonly missing: readonly number[];
}

/** A run not ended, as the stale sweep sees it. */
export interface OpenRun {
  readonly run: RunView;
  readonly writerIds: readonly string[];
  readonly openStepIds: readonly string[];
}

/** A project's seals at a glance. */
export interface SealLedger {
  /** How many there are: the newest's number while none is missing. */
  readonly count: number;
  /** The newest, also when its run was purged. */
  readonly newest: Seal | null;
}

/** A run that waits for a seal. */
export interface SealDue {
  readonly projectId: string;
  readonly runId: string;
}

/** What is known of a run that is to be sealed. */
export interface SealingRun {
  readonly runId: string;
  /** Its newest seal. */
  readonly newest: Seal | null;
  readonly writers: readonly WriterHead[];
}

/** What a sealer looks at before it seals some runs of a project. */
export interface SealingView {
  /** The project's newest seal. It is never newer than the rest: whoever takes the number after it knows all seals of these runs. */
  readonly last: Seal | null;
  readonly runs: readonly SealingRun[];
}

/** Where to begin to read a run. */
export interface RunPlace {
  readonly runId: string;
  readonly fromSeq: number;
}

/** Writing half of a store. Every method is atomic. */
export interface StoreWriter {
  /** Idempotent; migrates forward, re-runnable when killed. A newer major schema is refused (`store-newer`). */
  initialize(): Promise<void>;
  /** Idempotent by (run, writer, n), atomically with contents and views; gives seq and step numbers. */
  importBatch(batch: ImportBatch): Promise<ImportResult>;
  journalPositions(): Promise<readonly JournalPosition[]>;
  forgetJournal(file: string): Promise<void>;
  /**
   * Keeps seals of one project, by ascending numbers: all or none. The same ones twice are one; a number that another seal has
   * is `end-conflict`: look again and take the next. Each run whose seal covers all that is stored leaves the list of those that wait.
   */
  appendSeals(projectId: string, seals: readonly Seal[]): Promise<void>;
  /**
   * Takes a run off the list of those that wait for a seal, without one; with `seen`, only while its writers stand there
   * still. Its next event puts it there again.
   */
  forgetSealDue(projectId: string, runId: string, seen?: readonly WriterHead[]): Promise<void>;
  /** What was written before this call survives a power cut once it resolves. */
  sync(): Promise<void>;
  /** Drops runs started (or last written to) before `beforeMs`, with all that is theirs, oldest first, at most `limit`; running ones with a live writer and pinned ones stay. */
  purge(options: PurgeOptions): Promise<number>;
  /**
   * Drops payloads, salts, index rows and contents that only this run used; headers, hashes and facts stay. With a part,
   * only of its steps and of what the run itself said from the first of them on; notes about those steps go too. Counts as
   * an erasure of the project, and is noted, in the same transaction.
   */
  eraseRun(projectId: string, runId: string, part?: ErasedPart): Promise<StoredErasure>;
  /** Says that contents of a project are about to go: its count of erasures grows by one, for every process that asks. */
  countErasure(projectId: string): Promise<void>;
  /** Recomputes runs, steps and attempts of one run from its events; returns the names of the fields that differed (I11). */
  rebuildRun(projectId: string, runId: string): Promise<readonly string[]>;
  putAnnotation(projectId: string, annotation: Annotation): Promise<void>;
  deleteAnnotation(projectId: string, id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Options of a purge. */
export interface PurgeOptions {
  readonly projectId: string;
  readonly beforeMs: number;
  readonly limit: number;
  /** What `beforeMs` is compared with: the start of a run (unless said) or its last write. */
  readonly clock?: 'start' | 'write';
  readonly dryRunsOnly?: boolean;
  /**
   * Every recorder has been made to forget what it wrote, and what it wrote before is imported: contents that nobody
   * needs go now, also of weeks that are not over.
   */
  readonly isForgotten?: boolean;
  /** Runs that stay for a reason that the store does not know. */
  readonly isKept?: (runId: string) => boolean;
  /** Runs that a live writer holds. */
  readonly isLive?: (runId: string) => boolean;
}

/** Reading half of a store. Unknown runs are `run-not-found`. */
export interface StoreReader {
  getRun(projectId: string, runId: string): Promise<RunView>;
  /** Ids that start with a prefix (UUID text), at most `limit`. */
  findRunIds(projectId: string, prefix: string, limit: number): Promise<readonly string[]>;
  listRuns(projectId: string, filter: RunFilter, page: PageRequest): Promise<Page<RunView>>;
  countRuns(projectId: string, filter: RunFilter): Promise<number>;
  listEvents(
    projectId: string,
    runId: string,
    options?: { fromSeq?: number; limit?: number },
  ): Promise<readonly StoredEvent[]>;
  listSteps(
    projectId: string,
    runId: string,
    options?: { fromNumber?: number; limit?: number },
  ): Promise<readonly StepView[]>;
  getStep(projectId: string, runId: string, number: number): Promise<StepView>;
  listAttempts(projectId: string, runId: string, stepId?: string): Promise<readonly AttemptView[]>;
  /** Contents of a context in order, from index `from`. */
  readContext(
    projectId: string,
    runId: string,
    nodeId: string,
    options?: { from?: number },
  ): Promise<readonly Content[]>;
  /** Node ids of a context in order. */
  readContextNodes(projectId: string, runId: string, nodeId: string): Promise<readonly ContextNode[]>;
  /** Contents by id, of this run's epoch; missing (erased) ones are left out. */
  readContents(projectId: string, runId: string, ids: readonly string[]): Promise<readonly Content[]>;
  /** Oldest first; an empty parent matches nothing. */
  listChildren(projectId: string, parentRunId: string): Promise<readonly RunView[]>;
  /** Root first, the run itself last, at most 32 (the nearest); survives a cycle. */
  parentChain(projectId: string, runId: string): Promise<readonly RunView[]>;
  /** finishedAt < before, oldest first; limit ≤ 0 gives none. */
  listFinishedBefore(projectId: string, beforeMs: number, limit: number): Promise<readonly RunView[]>;
  /** One query for many ids; dry runs never; no entry for an agent that never ran. */
  lastRunPerAgent(
    projectId: string,
    agentIds: readonly string[],
    options?: { includeFailed?: boolean },
  ): Promise<ReadonlyMap<string, RunView>>;
  listAgents(projectId: string): Promise<readonly { agentId: string; runs: number; lastStartedAtMs: number }[]>;
  search(
    projectId: string,
    text: string,
    options?: { limit?: number; order?: 'time' | 'rank'; runId?: string },
  ): Promise<readonly SearchHit[]>;
  totals(
    projectId: string,
    options: { by: 'model' | 'agent' | 'day'; sinceMs?: number; untilMs?: number; includeDryRun?: boolean },
  ): Promise<readonly TotalsRow[]>;
  listAnnotations(projectId: string, runId: string): Promise<readonly Annotation[]>;
  /** In the order of their numbers. */
  listSeals(projectId: string, runId?: string): Promise<readonly Seal[]>;
  /** How many seals the project has, and its newest. */
  sealLedger(projectId: string): Promise<SealLedger>;
  /** Runs of all projects that ended, or got events after their end, and are not sealed yet; oldest wait first. Kept with the import, so that no death of a process loses one. */
  listSealDue(limit: number): Promise<readonly SealDue[]>;
  /** The project's newest seal, also when its run was purged. */
  lastSeal(projectId: string): Promise<Seal | null>;
  /** What is to be known before some runs are sealed, in their order; runs that are not there are left out. */
  readSealing(projectId: string, runIds: readonly string[]): Promise<SealingView>;
  /** Events of several runs by seq, each run from a seq of its own on, by run; one without such events is left out. */
  listEventsOfRuns(
    projectId: string,
    places: readonly RunPlace[],
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>>;
  listWriters(projectId: string, runId: string): Promise<readonly WriterHead[]>;
  /** Recorded runs that have not ended, oldest first. */
  listOpenRuns(projectId: string): Promise<readonly OpenRun[]>;
  listProjects(): Promise<readonly string[]>;
  /** Grows with each erasure of the project and never falls: when it has changed, contents written before may be gone. 0 for a project without any. */
  erasureCount(projectId: string): Promise<number>;
  /** Runs that lost words since the count was `after`, each once, by the newest erasure of it; of more than 100,000 the newest. */
  listErasures(projectId: string, after: number): Promise<readonly ErasureNote[]>;
  /** A number that grows with every change, across processes, so that a reader can wait for news cheaply. */
  changeCount(): Promise<number>;
}

/** A store: where views, contents and events rest. */
export interface Store extends StoreReader, StoreWriter {
  readonly kind: 'memory' | 'sqlite' | 'postgres';
  /** Projects and keys, beside the records. */
  readonly directory: Directory;
  /** Runs as work; `null` in a store that only keeps records. */
  readonly work: WorkStore | null;
}
