import type { RetryClass } from '../model/attempt.ts';
import type { Cost } from '../model/cost.ts';
import type { EndReason, RunSource } from '../model/run.ts';
import type {
  ContextMark,
  FinishReason,
  StepKind,
  StepStatus,
  StreamSummary,
  ToolResultStatus,
} from '../model/step.ts';
import type { Usage } from '../model/usage.ts';
import type { CallGate } from '../work/gate.ts';
import type { FlushPlace, FlushReceipt, JournalEntry } from '../journal.ts';
import type { RunStateFacts } from './facts.ts';
import type { RunStatePayload } from './payload.ts';

/**
 * JSON text that must be recorded byte for byte: key order and number text as the model saw them. Wherever a value
 * is recorded, an ExactJson stands for its own text.
 */
export class ExactJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Where a run hangs: the run that started it, and the step it was started from. */
export interface ParentRef {
  readonly runId: string;
  readonly stepId: string | null;
  readonly rootRunId: string;
  /** W3C trace id of the parent, 32 hex, when known. */
  readonly traceId?: string | null;
  /** The parent is in shadow, and so is what it starts. */
  readonly shadow?: boolean;
}

/**
 * What a caller says of a run it starts. Only the agent is required. Here and in everything else that is handed to a
 * recorder, a field of the wrong kind is left out and told to `onError` by its name; it never throws (I1).
 */
export interface RunStart {
  readonly agentId: string;
  readonly kind?: string;
  readonly source?: RunSource;
  readonly callerId?: string;
  readonly channelId?: string;
  readonly sessionId?: string;
  readonly endUserId?: string;
  /** A run recorder, a reference, `null` for none; left out, the run in scope is the parent. */
  readonly parent?: RunRecorder | ParentRef | null;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly inputs?: unknown;
  readonly dryRun?: boolean;
  readonly shadow?: boolean;
  readonly capture?: string;
  readonly model?: string;
  /** W3C trace id (32 hex) to continue. */
  readonly traceId?: string;
  readonly spanId?: string;
  /** The message of a chat that started the run, and the newest one it sees: deletion by message goes by them. */
  readonly triggerMessageId?: string;
  readonly historyTipMessageId?: string;
  readonly observedAfter?: boolean;
  /** Under a lease, a budget or a gateway: no switch turns its recording off. */
  readonly governed?: boolean;
  /** The id to use, for a run that another process also writes into. A UUIDv7; made when left out. */
  readonly runId?: string;
}

/** What a caller says of a step that begins. */
export interface StepStart {
  readonly kind: StepKind;
  /** One of the model operations, or the caller's own word, which is then payload and goes with it. */
  readonly operation?: string;
  readonly name?: string;
  readonly provider?: string;
  readonly model?: string;
  /** The messages the model will see, system prompt first, each an object or an ExactJson. */
  readonly messages?: readonly unknown[];
  /** Cache-control marks and the like, kept outside the messages' names. */
  readonly contextMarks?: readonly ContextMark[];
  readonly tools?: readonly unknown[];
  readonly options?: Readonly<Record<string, unknown>>;
  /** Tool arguments. */
  readonly args?: unknown;
  readonly callId?: string;
  /** A request that is no list of messages. */
  readonly request?: unknown;
  readonly inputsWithheld?: boolean;
  readonly observedAfter?: boolean;
  readonly parentStepId?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The newest message of a chat that the step sees. */
  readonly historyTipMessageId?: string;
  /** The gateway that a tool call goes through. */
  readonly gatewayId?: string;
}

/** What a caller says of a step that ended. A step may be finished again with a higher status. */
export interface StepFinish {
  readonly status: Exclude<StepStatus, 'in_progress'>;
  /** The output's parts: an array of typed parts. */
  readonly response?: unknown;
  readonly result?: unknown;
  /** Of a tool step; the step's status follows it, whatever `status` says. */
  readonly resultStatus?: ToolResultStatus;
  /** A guard kept the tool from running, and why: one of the record's own reasons, or a word of the guard's. */
  readonly wasBlocked?: boolean;
  readonly blockReason?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly providerResponseId?: string;
  readonly finishReason?: FinishReason;
  readonly usage?: Usage | null;
  readonly usageRaw?: unknown;
  readonly cost?: Cost | null;
  readonly error?: unknown;
  readonly stream?: StreamSummary;
  readonly timeToFirstTokenMs?: number | null;
  /** Given by the capture when it measured better than begin-to-finish. */
  readonly durationMs?: number | null;
  readonly outputsWithheld?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** The message of a chat that the answer became. */
  readonly assistantMessageId?: string;
}

/** An HTTP body on its way into the record. */
export interface BodyInput {
  /** Text, or bytes that are decoded as UTF-8 when the content type says text or JSON. */
  readonly data: string | Uint8Array | null;
  /** The text in parts, in place of `data`: parts that are the same strings as in an earlier body cost next to nothing. */
  readonly parts?: readonly string[];
  readonly contentType: string | null;
  /** Size on the wire when more than what was captured. */
  readonly bytes?: number | null;
  readonly truncated?: boolean;
  /** Why there is no data. */
  readonly withheld?: string;
}

/** The request side of an attempt. */
export interface AttemptRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInput;
}

/** The answering side of an attempt. */
export interface AttemptFinish {
  readonly status: 'completed' | 'failed';
  readonly responseStatus?: number | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInput;
  readonly error?: unknown;
  readonly retryClass?: RetryClass | null;
  readonly retryDelayMs?: number | null;
  readonly providerRequestId?: string | null;
  readonly durationMs?: number | null;
  /** Request fields that became known only with the answer. */
  readonly request?: AttemptRequest;
}

/** Records one HTTP round trip. Every method is safe after the end, never throws (I1). */
export interface AttemptRecorder {
  readonly number: number;
  /** True once a lower layer (the wire) took this attempt over and will finish it itself. */
  readonly claimed: boolean;
  readonly finished: boolean;
  /** The wire claims the attempt: what it finishes with is the record, and the SDK level's finish is then ignored. */
  claim(): void;
  finish(finish: AttemptFinish): void;
}

/** What an unfinished step has said so far, from its beginning: one text or tool input of its answer. */
export interface PartialText {
  /** Its place among the parts of the answer; the same one each time. */
  readonly index: number;
  /** `text`, `reasoning`, `tool-call`: what the part is. */
  readonly type: string;
  readonly text: string;
}

/** What a step cost, as its provider or a contract says afterwards. */
export interface ActualCost {
  /** Whole nano-USD, not negative. */
  readonly nanoUsd: number;
  /** Where it was learned; `provider-api` unless said. */
  readonly source?: 'provider-response' | 'provider-api' | 'contract';
}

/** Records one step. Never throws (I1). */
export interface StepRecorder {
  readonly id: string;
  readonly run: RunRecorder;
  /** False when the journal could not keep the step's start: a governed call then does not leave (I3). */
  readonly isStartKept: boolean;
  readonly kind: StepKind;
  /** What it was begun as: a tool's name, a phase's; `null` when nobody said. As given, so never to be written down. */
  readonly name: string | null;
  readonly status: StepStatus;
  /** The attempt under way, when there is one. */
  readonly openAttempt: AttemptRecorder | null;
  attempt(request?: AttemptRequest): AttemptRecorder;
  finish(finish: StepFinish): void;
  /**
   * Writes what is new of an unfinished answer as a `log` of type `stream-partial`, less the last 4 KiB of each text, in
   * which a secret may still be coming in. For streams that must survive `kill -9` in part; the end repeats it all.
   */
  partial(texts: readonly PartialText[]): void;
  /** Tells what the step cost in fact, also after its end and its run's. It takes the place of every estimate. */
  actualCost(cost: ActualCost): void;
  /** The caller asked that nothing of what goes in, or comes out, is recorded: lower layers withhold bodies too. */
  readonly inputsWithheld: boolean;
  readonly outputsWithheld: boolean;
  /** Says so later than at the start; never takes it back. */
  withhold(sides: { inputs?: boolean; outputs?: boolean }): void;
  /** Runs `fn` in this step's async scope: runs and HTTP exchanges begun inside hang under it. */
  within<T>(fn: () => T): T;
  /** Makes this step the scope of what follows in the current async context, for callers without a function to wrap. */
  enter(): void;
}

/** What a tool call began with. */
export interface ToolStart {
  readonly name: string;
  readonly args?: unknown;
  readonly callId?: string;
  readonly parentStepId?: string;
  readonly inputsWithheld?: boolean;
  readonly observedAfter?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly gatewayId?: string;
}

/** Records one tool call: a step of kind `tool`. */
export interface ToolRecorder extends StepRecorder {
  /** Ends it as success. */
  succeed(result: unknown): void;
  /** Ends it as error; as in doubt, when it was given up under way. */
  fail(error: unknown): void;
}

/** A model answer as a harness that owns its loop reports it. `null` fields were not reported. */
export interface ObservedResponse {
  readonly text?: string | null;
  readonly reasoning?: string | null;
  readonly model?: string | null;
  readonly provider?: string | null;
  readonly finishReason?: string | null;
  readonly usage?: {
    input?: number | null;
    output?: number | null;
    reasoning?: number | null;
    cacheRead?: number | null;
  } | null;
  readonly toolCalls?: readonly { id?: string; name: string; args?: unknown }[];
}

/** A tool call as a harness reports it. */
export interface ObservedCall {
  readonly id?: string;
  readonly name: string;
  readonly args?: unknown;
}

/** What a run ended with. */
export interface RunClose {
  readonly endReason: EndReason;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** Records one run. Every method is safe at any time and never throws (I1). */
export interface RunRecorder {
  readonly id: string;
  readonly rootRunId: string;
  readonly agentId: string;
  readonly closed: boolean;
  /** False for the recorder that records nothing. */
  readonly recording: boolean;
  /** Asked before a call of this run leaves: of a run under a lease, and of runs inside it; `null`: nobody is asked. */
  readonly gate: CallGate | null;
  /** Events of this process's part in the run that its journal could not keep. */
  readonly losses: number;
  ref(stepId?: string | null): ParentRef;
  step(start: StepStart): StepRecorder;
  tool(start: ToolStart): ToolRecorder;
  /** Observer form: iteration counts from 1; a `null` response is recorded with text length 0. */
  onStep(iteration: number, response: ObservedResponse | null): void;
  onTool(call: ObservedCall, result: unknown): void;
  log(type: string, payload?: unknown): void;
  error(messageOrError: unknown): void;
  /** Running totals of what this process recorded in the run. */
  usage(): Usage;
  toolCallCount(): number;
  /** Runs `fn` in the run's async scope. */
  within<T>(fn: () => T): T;
  /** Makes this run the scope of what follows in the current async context, for callers without a function to wrap. */
  enter(): void;
  /** Idempotent: the first end stands (I7). Open steps are ended `interrupted` first. */
  close(close: RunClose): void;
}

/** A run that was created as work, and the place in its lease's chain where the recorder goes on. */
export interface RunJoin {
  readonly runId: string;
  readonly rootRunId: string;
  readonly agentId: string;
  readonly traceId: string | null;
  /** The writer of the lease, what it wrote last, and that event's hash. */
  readonly writerId: string;
  readonly n: number;
  readonly head: Uint8Array;
  /** Asked before its calls leave, and those of runs inside it; left out, they only need to be recorded. */
  readonly gate?: CallGate;
  /** The run is in shadow, and so is what it starts. */
  readonly shadow?: boolean;
}

/**
 * Records a run under a lease. Its end is not the recorder's to write: it stands or falls with the lease, so `close` only
 * leaves the run.
 */
export interface JoinedRun extends RunRecorder {
  /** Ends the steps still open as `interrupted`; nothing more is recorded. Idempotent. */
  leave(): void;
  /** The next event of the lease's chain, to be written with the change it tells of. Throws when it cannot be made. */
  draftEnd(close: RunClose & { readonly durationMs: number | null }): JournalEntry;
  /** The same of a change that ends nothing. */
  draftState(facts: RunStateFacts, payload: RunStatePayload): JournalEntry;
  /** The change of the newest draft was refused: its number is free again, unless more was written since. */
  takeBack(entry: JournalEntry): void;
}

/** Records runs. Inert until called, never harms its host (I1). */
export interface Recorder {
  readonly recording: boolean;
  startRun(start: RunStart): RunRecorder;
  /** Goes on with a run that a worker took under a lease. */
  joinRun(join: RunJoin): JoinedRun;
  /** Runs `fn` in a new run's scope and closes the run with fn's outcome; a throw is recorded and rethrown unchanged. */
  run<T>(start: RunStart, fn: (run: RunRecorder) => Promise<T> | T): Promise<T>;
  /** The run in scope, or `null`. */
  current(): RunRecorder | null;
  /** The step in scope, or `null`. */
  currentStep(): StepRecorder | null;
  /** `fn` bound to the scope of this moment, for work that leaves it (queues, generators). */
  bind<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R;
  /** Every model call of one run begun inside `fn` shares one step, so that retries are its attempts. */
  reuseStep<T>(fn: () => T): T;
  /**
   * What `fn` tells this recorder is written at once, when `fn` returns or throws: only then is it safe (I2). For what one
   * moment brings several events of; `fn` is synchronous and makes no call that must be recorded before it leaves (I3).
   */
  together<T>(fn: () => T): T;
  /** Calls `work` when the recorder is closed, before runs that are still open end as interrupted. */
  onClose(work: () => void): void;
  /** Never rejects: a journal that cannot say is answered with the state `timeout`. */
  flush(options?: { to?: FlushPlace; timeoutMs?: number }): Promise<FlushReceipt>;
  /** Ends the runs still open as `interrupted`. Never rejects. */
  close(): Promise<void>;
}
