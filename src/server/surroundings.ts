import type { Clock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import type { Subject } from '../core/life/subject.ts';
import type { UpkeepState } from '../core/life/upkeep.ts';
import type { Receipt } from '../core/record/receipt.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { RunOrigin } from '../core/run-file/writer.ts';
import type { ErasureResult, Store } from '../core/store.ts';
import type { RunRequest } from '../core/work/request.ts';
import type { Schedule } from '../core/work/schedule.ts';
import type { WorkRow } from '../core/work/work.ts';
import type { Gate } from './access/gate.ts';
import type { BodyRoom } from './body-room.ts';
import type { Feed } from './stream/feed.ts';
import type { Gauge, Metrics } from './metrics.ts';
import type { StepNumbers } from './reading/step-numbers.ts';
import type { SseSink } from './stream/sse.ts';
import type { WireVerdict } from './wire.ts';
import type { ScheduleInput } from './wire-work.ts';

/** Erases a run wherever its words are. */
export type EraseRun = (projectId: string, runId: string) => Promise<ErasureResult>;

/** Erases what a caller or a session said, as far as the runs have ended; the others are named. */
export type EraseSubject = (
  projectId: string,
  subject: Subject,
) => Promise<ErasureResult & { readonly openRunIds: readonly string[] }>;

/** What is said of a batch that was taken; `generation` changes with every erasure of the project. */
export interface TakenBatch {
  readonly entries: number;
  readonly generation: number;
  readonly receipt?: Receipt | null;
}

/** Takes a batch of another recorder's entries: durable when it resolves. Rejects with `batch-broken`, `batch-foreign`, and what the disk throws. */
export type TakeBatch = (projectId: string, batch: Uint8Array) => TakenBatch | Promise<TakenBatch>;

/** Who may come in. */
export interface AccessControl {
  readonly gate: Gate;
  /** The server's own secret. */
  readonly pepper: Uint8Array;
}

/** Writes runs out for other places. */
export interface Exporter {
  /** The run file of a run, in pieces: words of the record, seals, a signature over all of it. */
  runFile(projectId: string, runId: string): AsyncIterable<string>;
  /** One HTML file with the viewer, the run and its child runs. Throws `bad-argument` for one too large for a page. */
  page(projectId: string, runId: string): Promise<string>;
}

/** What is asked of a project's runs as work. Rejects with the codes of runs, `run-not-found` and `idempotency-conflict`. */
export interface Runs {
  /** Checks the request and creates the run, or names the one that has its key already (I8). */
  create(request: RunRequest): Promise<{ readonly runId: string; readonly duplicate: boolean }>;
  /** Cancels the run and its open child runs, and says how many those were. A run that has ended stays as it is. */
  cancel(runId: string): Promise<{ readonly isCancelled: boolean; readonly row: WorkRow; readonly children: number }>;
  /** False when a signal of this id came before. */
  signal(
    runId: string,
    signal: { readonly id?: string; readonly name: string; readonly payload: unknown },
  ): Promise<boolean>;
  /** Has a failed run done again, as a run of its own; once from each place. */
  redrive(
    runId: string,
    from: { readonly fromStep?: number },
  ): Promise<{ readonly runId: string; readonly duplicate: boolean }>;
  /** Adds a schedule, or puts it in the place of the one with its id. `bad-argument` for a rule that is none. */
  putSchedule(id: string, input: ScheduleInput): Promise<Schedule>;
  /** A caller as budgets name it: its keyed digest. */
  callerToScope(callerId: string): string;
}

/** Everything a route is handed. */
export interface Surroundings {
  readonly store: Store;
  /** The project of whoever asks; no other is reachable. */
  readonly projectId: string;
  /** Address of whoever asks, or `null` when unknown. */
  readonly remote: string | null;
  /** `null` where no keys are kept: whoever reaches the server may do everything. */
  readonly access: AccessControl | null;
  readonly version: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** What people write in annotations passes it before it is kept (I4). */
  readonly redactor: Redactor;
  readonly verify: (projectId: string, runId: string) => Promise<WireVerdict>;
  /** `null` where nobody here can erase everywhere. */
  readonly eraseRun: EraseRun | null;
  /** The same for callers and sessions. */
  readonly eraseSubject: EraseSubject | null;
  /** How the upkeep stands; `null` where this process does none. */
  readonly upkeep: (() => UpkeepState) | null;
  /** Further numbers of the whole server; `null` where there are none. */
  readonly gauges: (() => Promise<readonly Gauge[]>) | null;
  /** `null` where records are only read. */
  readonly inbox: TakeBatch | null;
  /** `null` where nobody here holds the key that signs run files. */
  readonly exporter: Exporter | null;
  /** Where a run that was imported came from; `null` for one that was recorded here. */
  readonly originOf: (projectId: string, runId: string) => RunOrigin | null;
  /** True for whoever belongs to the server's own project: only they are told numbers of the whole server. */
  readonly isOwner: boolean;
  /** False once whoever asks would not be let in any more: asked again after a body that took its time. */
  readonly isStill: () => Promise<boolean>;
  /** Room for bodies, shared by all requests of the project. */
  readonly bodies: BodyRoom;
  /** Runs as work; `null` where this server makes none. */
  readonly runs: Runs | null;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly stepNumbers: StepNumbers;
  readonly startedAtMs: number;
  /** The description of the API, as JSON text. */
  readonly openApi: () => string;
  /** Opens a stream of server-sent events named `stream` in the metrics. */
  openStream(request: Request, stream: string, feed: (sink: SseSink) => Promise<void>): Response;
}
