import type { StepCost } from './cost.ts';
import type { Usage } from './usage.ts';

/** What a step can be. */
export const stepKinds = ['model', 'tool', 'phase'] as const;

/** What a step is. */
export type StepKind = (typeof stepKinds)[number];

/** What a model step did. */
export const modelOperations = ['generate', 'stream', 'embed', 'rerank', 'image', 'speech', 'transcribe'] as const;

/** One of the model operations. */
export type ModelOperation = (typeof modelOperations)[number];

/** Operations that the facts of an event may name. Every other word is a caller's own and rests in the payload. */
export const factOperations = [...modelOperations, 'decide'] as const;

/** Status of a step, in rising priority. */
export const stepStatuses = ['in_progress', 'interrupted', 'error', 'completed'] as const;

/** One of the four step statuses. */
export type StepStatus = (typeof stepStatuses)[number];

/**
 * True when `next` may replace `current`: a lower priority never replaces a terminal status, an equal one may.
 * A later `completed` therefore wins over the `error` of an earlier try, and a late abort loses.
 */
export function isStepStatusAllowed(current: StepStatus, next: StepStatus): boolean {
  return stepStatuses.indexOf(next) >= stepStatuses.indexOf(current);
}

/** Why a model stopped: `unified` is one of stop, length, content-filter, tool-calls, error, other; `raw` is the provider's word. */
export interface FinishReason {
  readonly unified: string;
  readonly raw: string | null;
}

/** An error as it is recorded: redacted, with its causes flattened, outermost first. */
export interface RecordedError {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
  /** HTTP status the provider answered with. */
  readonly status: number | null;
  readonly isRetryable: boolean | null;
  readonly causes: readonly { readonly name: string; readonly message: string }[];
}

/** Milliseconds between stream chunks. */
export interface ChunkTiming {
  readonly count: number;
  readonly minMs: number;
  readonly p10Ms: number;
  readonly medianMs: number;
  readonly meanMs: number;
  readonly p90Ms: number;
  readonly maxMs: number;
}

/** What a stream consisted of. */
export interface StreamSummary {
  readonly finishReason: string | null;
  readonly textDeltas: number;
  readonly toolCalls: number;
  readonly sources: number;
  readonly warnings: number;
  readonly errors: number;
  readonly parts: number;
  readonly lastError: string | null;
  readonly chunkTiming: ChunkTiming | null;
}

/** How a tool call can end; a tool that did not run is never `success`. */
export const toolResultStatuses = ['success', 'error', 'blocked', 'skipped', 'in_doubt'] as const;

/** One of the ways a tool call can end. */
export type ToolResultStatus = (typeof toolResultStatuses)[number];

/** Why a tool was kept from running, as far as the record itself has words for it; any other reason is its guard's own. */
export const blockReasons = [
  /** The run is in shadow, and the tool is not known to only read. */
  'shadow_mode_destructive_blocked',
  /** The run is in shadow: no message leaves. */
  'shadow_mode_message_suppressed',
  /** The tool may not be called in the environment of this worker. */
  'environment_not_allowed',
] as const;

/** One of the record's own reasons. */
export type BlockReason = (typeof blockReasons)[number];

/** A cache-control or similar mark on one message of a context: an annotation, outside the content's name. */
export interface ContextMark {
  /** Index of the message in the context, from 0. */
  readonly index: number;
  readonly value: unknown;
}

/** Where a context stopped extending the previous one: the provider's prompt cache was lost there. */
export interface PrefixBreak {
  /** The step whose context was expected to be extended. */
  readonly previousStepId: string;
  /** Index of the first message that differs, from 0. */
  readonly atIndex: number;
}

/** One operation of a run, as computed from its events. Content fields are content ids, contexts are node ids. */
export interface StepView {
  readonly id: string;
  readonly runId: string;
  /** From 1, gapless within the run, given by the store at import. */
  readonly number: number;
  readonly kind: StepKind;
  readonly operation: string | null;
  readonly name: string | null;
  readonly status: StepStatus;
  readonly swept: boolean;
  /** The step within which this one happened: for a tool step the model step that asked for it. */
  readonly parentStepId: string | null;
  /** The provider's id of the tool call. */
  readonly callId: string | null;
  readonly provider: string | null;
  /** Model that was asked for, then the one that served. */
  readonly model: string | null;
  readonly requestedModel: string | null;
  readonly contextNodeId: string | null;
  readonly contextLength: number | null;
  readonly contextMarks: readonly ContextMark[];
  readonly prefixBreak: PrefixBreak | null;
  readonly toolsNodeId: string | null;
  /** Options, tool choice, response format, provider options: one JSON object, or `null`. */
  readonly options: Readonly<Record<string, unknown>> | null;
  readonly argsId: string | null;
  readonly requestId: string | null;
  readonly responseId: string | null;
  readonly resultId: string | null;
  readonly resultStatus: ToolResultStatus | null;
  /**
   * Of tool steps only: their number in the journal of the run's tool calls, from 0, gapless, in the order of the run.
   * `null` in rows that were stored before there were such numbers, until the run is rebuilt.
   */
  readonly journalSeq: number | null;
  /** The gateway that the call went through. */
  readonly gatewayId: string | null;
  /** A guard kept the tool from running; what the agent was told stands in `resultId`. */
  readonly wasBlocked: boolean;
  /** One of `blockReasons`, or the guard's own word. */
  readonly blockReason: string | null;
  /**
   * Keyed digests of a tool's arguments and result as recorded, 64 hex digits: the names of these contents, equal for equal
   * text within a project in whichever week, and gone with the words.
   */
  readonly inputDigest: string | null;
  readonly outputDigest: string | null;
  readonly providerResponseId: string | null;
  readonly finishReason: FinishReason | null;
  readonly usage: Usage | null;
  readonly usageRaw: unknown;
  /** What the record tells, else an estimate; `null` for what is no model call or is under way. */
  readonly cost: StepCost | null;
  readonly error: RecordedError | null;
  readonly stream: StreamSummary | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** The newest message of a chat that the step saw, and the one its answer became; ids are the caller's. */
  readonly historyTipMessageId: string | null;
  readonly assistantMessageId: string | null;
  /** First 2,000 bytes of the text (4,000 of a tool's result), for lists and trees. */
  readonly preview: string | null;
  readonly inputsWithheld: boolean;
  readonly outputsWithheld: boolean;
  readonly observedAfter: boolean;
  /** Ended after its run had ended. */
  readonly late: boolean;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly durationMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly attemptCount: number;
  readonly redactions: Readonly<Record<string, number>>;
  readonly erased: boolean;
  readonly firstSeq: number;
}
