import type { Clock } from '../core/clock.ts';
import type { IdSource } from '../core/id.ts';
import type { Subject } from '../core/life/subject.ts';
import type { UpkeepState } from '../core/life/upkeep.ts';
import type { Receipt } from '../core/record/receipt.ts';
import type { Redactor } from '../core/redact/redactor.ts';
import type { RunOrigin } from '../core/run-file/writer.ts';
import type { ErasureResult, Store } from '../core/store.ts';
import type { Gate } from './access/gate.ts';
import type { BodyRoom } from './body-room.ts';
import type { Feed } from './stream/feed.ts';
import type { Gauge, Metrics } from './metrics.ts';
import type { StepNumbers } from './reading/step-numbers.ts';
import type { SseSink } from './stream/sse.ts';
import type { WireVerdict } from './wire.ts';

/** Erases a run wherever its words are. */
export type EraseRun = (projectId: string, runId: string) => Promise<ErasureResult>;

/** Erases what a caller or a session said, as far as the runs have ended; the others are named. */
export type EraseSubject = (
  projectId: string,
  subject: Subject,
) => Promise<ErasureResult & { readonly openRunIds: readonly string[] }>;

/** Takes a batch of another recorder's entries: durable when it returns. Throws `batch-broken`, `batch-foreign`, and what the disk throws. */
export type TakeBatch = (
  projectId: string,
  batch: Uint8Array,
) => { readonly entries: number; readonly generation: number; readonly receipt?: Receipt | null };

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
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly stepNumbers: StepNumbers;
  readonly startedAtMs: number;
  /** The description of the API, as JSON text. */
  readonly openApi: () => string;
  /** Opens a stream of server-sent events named `stream` in the metrics. */
  openStream(request: Request, stream: string, feed: (sink: SseSink) => Promise<void>): Response;
}
