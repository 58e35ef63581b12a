import type { ImportChanges } from '../import/plan-rows.ts';
import type { JournalEntry } from '../journal.ts';
import type { EndReason, RunStatus } from '../model/run.ts';
import type { Page, PageRequest } from '../store.ts';
import type { Agent } from './agent.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import type { Memo } from './memo.ts';
import type { Schedule } from './schedule.ts';

/*
 * Runs as work, as a store keeps them: beside the record, in narrow rows of their own. Every change of a run's state brings
 * its events in the same transaction; they wait in the store and are filed into the views by the next import, in order.
 *
 *   create ──► work row, key, sealed order, run-create      one statement
 *   change ──► work row if it is still as expected, events  one statement
 *                     └──► filed: run, steps and attempts as readers see them
 *
 * All times are the store's: its database's clock for PostgreSQL, this machine's for SQLite. What compares a lease with the
 * time asks the store, never the caller.
 */

/** What of a scheduled run changes with its state. Times are Unix milliseconds of the store's clock. */
export interface WorkState {
  readonly state: RunStatus;
  readonly endReason: EndReason | null;
  /** Code of the last failure, also of one that was tried again. */
  readonly errorCode: string | null;
  /** From when on a worker may take it; `null` while none may. */
  readonly queueAtMs: number | null;
  /** Attempts that count: a release takes its own back. */
  readonly attempts: number;
  /** Grows with every claim: the number of the lease. 0 before the first. */
  readonly leaseEpoch: number;
  readonly workerId: string | null;
  readonly leaseExpiresAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  /** By when it must have been claimed for the first time; `null`: whenever. */
  readonly startDeadlineAtMs: number | null;
  readonly attemptDeadlineAtMs: number | null;
  /** By when it must have ended, all attempts together; `null`: never. */
  readonly timeoutAtMs: number | null;
  /** Since when a person is asked, and by when the answer must have come; then it stands in for `timeoutAtMs`. */
  readonly askedAtMs: number | null;
  readonly answerDueAtMs: number | null;
  /** The signal that a sleeping run waits for. */
  readonly waitingFor: string | null;
  /** Version of the handler that took it last. */
  readonly handlerVersion: string | null;
}

/** A scheduled run as the store keeps it. What people wrote is in the record, redacted, and in the sealed order. */
export interface WorkRow extends WorkState {
  readonly projectId: string;
  readonly runId: string;
  readonly agentId: string;
  readonly kind: string;
  readonly priority: number;
  readonly createdAtMs: number;
  readonly attemptsMax: number;
  readonly attemptTimeoutMs: number | null;
  readonly parentRunId: string | null;
  readonly rootRunId: string;
  readonly traceId: string;
  readonly shadow: boolean;
  readonly dryRun: boolean;
  /** HMAC-SHA-256 of the input's canonical form, 64 hex digits. */
  readonly inputDigest: string;
  /** A failed run keeps its sealed order and memos, so that it can be driven again. */
  readonly isRedrivable: boolean;
}

/** A run to be created. */
export interface WorkCreation {
  readonly row: WorkRow;
  /** HMAC-SHA-256 of the key of the event that starts the run, 64 hex digits; `null`: every creation is one. */
  readonly keyDigest: string | null;
  /** Input and words of the run, encrypted; it goes when the run ends (I4). */
  readonly sealed: Uint8Array;
  readonly entries: readonly JournalEntry[];
}

/** What became of a creation. */
export interface CreationAnswer {
  readonly runId: string;
  /** The key had a run already: this is its id, and nothing was created. */
  readonly duplicate: boolean;
  /** Of the run that has the key, to be compared. */
  readonly inputDigest: string;
}

/** One change of one run: made as a whole, if the run is still as expected, else not at all. */
export interface WorkChange {
  readonly runId: string;
  readonly expected: {
    readonly state: RunStatus;
    readonly leaseEpoch: number;
    /** The lease must not have run out by the store's clock. */
    readonly isHeld: boolean;
  };
  readonly next: WorkState;
  /** Events of the change, written only with it. */
  readonly entries: readonly JournalEntry[];
  /** A signal of `next.waitingFor` that waits already wakes the run at once. */
  readonly memos?: readonly Memo[];
  /** What entries of other runs bring that are not in the store yet, and that these entries may name. */
  readonly brought?: readonly Brought[];
}

/** Contents and nodes with the week that they belong to. */
export type Brought = Pick<JournalEntry, 'epoch' | 'contents' | 'nodes'>;

/** Contents and nodes one by one, each with its week, as an import plans them. */
export type BroughtLists = Pick<ImportChanges, 'contents' | 'nodes'>;

/**
 * The contents and nodes of changes: they go into the store with them, before the events are filed, since events of other
 * runs may name them and be filed first.
 */
export function changesToBrought(changes: readonly WorkChange[]): BroughtLists {
  const all = changes.flatMap(({ brought = [], entries }): readonly Brought[] => [...brought, ...entries]);
  return {
    contents: all.flatMap(({ epoch, contents }) => contents.map((content) => ({ epoch, content }))),
    nodes: all.flatMap(({ epoch, nodes }) => nodes.map((node) => ({ epoch, node }))),
  };
}

/** Who asks for runs, and for how many. */
export interface ClaimRequest {
  readonly projectId: string;
  /** Agents with the number of runs of each that may be taken; none else are. */
  readonly roomByAgent: ReadonlyMap<string, number>;
  readonly limit: number;
  /** Most runs under a lease at a time: of the project, and of each agent, by all workers together. `null`: any number. */
  readonly projectRunsMax: number | null;
  readonly runsMaxByAgent: ReadonlyMap<string, number>;
}

/** A run that was taken, with what its worker needs. */
export interface ClaimedRun {
  readonly row: WorkRow;
  readonly sealed: Uint8Array | null;
  /** The store's time when it was taken. */
  readonly nowMs: number;
}

/** A lease as its worker names it. */
export interface LeaseRef {
  readonly runId: string;
  readonly leaseEpoch: number;
}

/** How a lease stands after a heartbeat. */
export interface LeaseState extends LeaseRef {
  /** False: the run was cancelled, timed out, or is another's. */
  readonly isHeld: boolean;
  readonly state: RunStatus;
  readonly leaseExpiresAtMs: number | null;
}

/** A run that the reaper must look at, with the store's time. */
export interface StaleRun {
  readonly row: WorkRow;
  readonly nowMs: number;
}

/** Where a reaper goes on: past this run. */
export interface StaleCursor {
  readonly dueAtMs: number;
  readonly runId: string;
}

/** Which scheduled runs to list. */
export interface WorkFilter {
  readonly states?: readonly RunStatus[];
  readonly agentId?: string;
  readonly workerId?: string;
  /** Failed with no attempt left. */
  readonly isDead?: boolean;
  readonly parentRunId?: string;
}

/** How many runs of an agent are in a state. */
export interface WorkCount {
  readonly agentId: string;
  readonly state: RunStatus;
  readonly count: number;
  /** Since when the oldest that may be claimed waits; `null` without one. */
  readonly oldestQueueAtMs: number | null;
}

/** A message to a run, for whoever waits for it there. */
export interface Signal {
  /** The sender's; one that comes twice is taken once. */
  readonly id: string;
  readonly runId: string;
  readonly name: string;
  readonly sealed: Uint8Array;
  readonly sentAtMs: number;
}

/** A process that takes runs, as it shows itself to a project. */
export interface WorkerRow {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly agentIds: readonly string[];
  readonly concurrency: number;
  readonly startedAtMs: number;
  readonly seenAtMs: number;
  /** It takes no more and ends when its runs have. */
  readonly isStopping: boolean;
}

/** Runs as work. Every method is atomic, and about one project unless it says otherwise (I10). */
export interface WorkStore {
  /** The clock that leases are measured by. */
  nowMs(): Promise<number>;
  /** Key and run in one statement; of several at once with one key, one is created (I8). Answers in the given order. */
  create(projectId: string, creations: readonly WorkCreation[]): Promise<readonly CreationAnswer[]>;
  get(projectId: string, runId: string): Promise<WorkRow | null>;
  list(projectId: string, filter: WorkFilter, page: PageRequest): Promise<Page<WorkRow>>;
  counts(projectId: string): Promise<readonly WorkCount[]>;
  /** Children that have not ended, of all generations, the run itself left out; at most 32 deep. */
  listOpenDescendants(projectId: string, runId: string): Promise<readonly WorkRow[]>;
  /** Of all projects: those with a run that may be claimed now. */
  waitingProjects(): Promise<readonly string[]>;
  /**
   * Takes runs that wait, oldest first within priority: what `plan` makes of them is written in the same transaction. Two
   * claims never get the same run, and neither waits for the other.
   */
  claim(
    request: ClaimRequest,
    plan: (rows: readonly WorkRow[], nowMs: number) => readonly WorkChange[],
  ): Promise<readonly ClaimedRun[]>;
  /**
   * Each change by itself, in one transaction: true for those that were made. What they bring of contents and nodes is in the
   * store when it returns, made or not.
   */
  change(projectId: string, changes: readonly WorkChange[]): Promise<readonly boolean[]>;
  /** Makes leases last until `leaseMs` from now; those that are lost say so. */
  heartbeat(projectId: string, leases: readonly LeaseRef[], leaseMs: number): Promise<readonly LeaseState[]>;
  /**
   * Of all projects: runs whose lease ran out or one of whose deadlines passed, oldest deadline first, after `after`. A page
   * of runs that nothing can be done about hides none of the others.
   */
  listStale(limit: number, after: StaleCursor | null): Promise<readonly StaleRun[]>;
  /** The sealed order of a run; `null` when it is gone, or there is no such run. */
  readOrder(projectId: string, runId: string): Promise<Uint8Array | null>;
  /** What a run remembers of its steps, in the order they were begun. */
  listMemos(projectId: string, runId: string): Promise<readonly Memo[]>;
  /** Writes memos, in place of those with the same name and occurrence, while the lease is held; else `false` and nothing. */
  putMemos(projectId: string, lease: LeaseRef, memos: readonly Memo[]): Promise<boolean>;
  /** Forgets a failed run's memos from this place on, in the order they were begun: what is driven again does them anew. */
  dropMemosFrom(projectId: string, runId: string, sequence: number): Promise<void>;
  /** Forgets order, memos and signals of an ended run that was kept to be driven again. */
  dropSealed(projectId: string, runId: string): Promise<void>;
  /** False when a signal of this id came before or the run has ended. Wakes a run that waits for it. */
  putSignal(projectId: string, signal: Signal): Promise<boolean>;
  /** Takes the oldest signal of a name while the lease is held, and writes the memo made of it. `null`: none is there, or the lease is lost. */
  takeSignal(
    projectId: string,
    taken: { readonly lease: LeaseRef; readonly name: string; readonly toMemo: (signal: Signal) => Memo },
  ): Promise<Signal | null>;
  putSchedule(schedule: Schedule): Promise<void>;
  deleteSchedule(projectId: string, id: string): Promise<boolean>;
  listSchedules(projectId: string): Promise<readonly Schedule[]>;
  /** Of all projects: those whose next tick has come. */
  dueSchedules(limit: number): Promise<readonly { readonly schedule: Schedule; readonly nowMs: number }[]>;
  /** Moves a schedule on from one tick to the next; false when another process did. */
  advanceSchedule(
    projectId: string,
    id: string,
    tick: { readonly fromMs: number; readonly toMs: number | null },
  ): Promise<boolean>;
  putAgent(agent: Agent): Promise<void>;
  getAgent(projectId: string, agentId: string): Promise<Agent | null>;
  listAgents(projectId: string): Promise<readonly Agent[]>;
  /** A worker shows itself; `seenAtMs` is the store's own. */
  putWorker(projectId: string, worker: WorkerRow): Promise<void>;
  removeWorker(projectId: string, workerId: string): Promise<void>;
  listWorkers(projectId: string): Promise<readonly WorkerRow[]>;
  /** Files what waits into the views, of all runs or of one: what was changed before is then read. False: nothing waited. */
  file(projectId: string, runId?: string): Promise<boolean>;
  /** What may be spent, and what was. */
  readonly budgets: BudgetLedger;
}

/** The half of a store of work that is about runs and their states, for stores that are built in parts. */
export type WorkLives = Pick<
  WorkStore,
  | 'nowMs'
  | 'create'
  | 'get'
  | 'list'
  | 'counts'
  | 'listOpenDescendants'
  | 'waitingProjects'
  | 'claim'
  | 'change'
  | 'heartbeat'
  | 'listStale'
>;

/** The half that is about what runs remember and are told. */
export type WorkMemories = Pick<
  WorkStore,
  'readOrder' | 'listMemos' | 'putMemos' | 'dropMemosFrom' | 'dropSealed' | 'putSignal' | 'takeSignal'
>;
