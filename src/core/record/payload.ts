import type { BodyRef } from '../model/attempt.ts';
import type { ContextMark, FinishReason, RecordedError, StreamSummary } from '../model/step.ts';

/** Counts by kind of what redaction removed from this event and its contents. Absent when nothing was. */
interface Redactable {
  readonly redactions?: Readonly<Record<string, number>>;
}

/** Payload of `run-create`. `…Id` fields ending a content are content ids (64 hex digits). */
export interface RunCreatePayload extends Redactable {
  readonly agentId: string;
  readonly kind: string;
  readonly callerId?: string;
  readonly channelId?: string;
  readonly sessionId?: string;
  readonly endUserId?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly capture?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly triggerMessageId?: string;
  readonly historyTipMessageId?: string;
  /** Content id of the run's inputs. */
  readonly inputs?: string;
  /** Content id of the environment: commit, cwd, argv, versions. */
  readonly environment?: string;
  readonly model?: string;
  /** What started a run that was created as work: `api`, `schedule`, a channel; and which one of these. */
  readonly triggerType?: string;
  readonly triggerRef?: string;
}

/** Payload of `run-start`. */
export interface RunStartPayload extends Redactable {
  readonly workerId: string;
  readonly handlerVersion?: string;
}

/** Payload of `run-state`. */
export interface RunStatePayload extends Redactable {
  /** The signal that the run waits for. */
  readonly waitingFor?: string;
  readonly error?: RecordedError;
}

/** Payload of `run-end`. */
export interface RunEndPayload extends Redactable {
  /** Content id of the output. */
  readonly output?: string;
  readonly error?: RecordedError;
}

/** Payload of `step-start`. */
export interface StepStartPayload extends Redactable {
  /** A caller's own word for what the step does; the known ones are in the facts. */
  readonly operation?: string;
  readonly name?: string;
  readonly provider?: string;
  readonly model?: string;
  /** Tip node of the messages' context. */
  readonly context?: string;
  readonly contextLength?: number;
  /** Content id of the first user message; only on a run's first model step. */
  readonly firstUserMessage?: string;
  readonly contextMarks?: readonly ContextMark[];
  /** Tip node of the tool schemas' context. */
  readonly tools?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly callId?: string;
  /** Content id of a tool's arguments. */
  readonly args?: string;
  /** Content id of a request that is no list of messages (an embedding's input). */
  readonly request?: string;
  readonly inputsWithheld?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly historyTipMessageId?: string;
  /** The gateway that a tool call goes through. */
  readonly gatewayId?: string;
}

/** Payload of `step-end`. */
export interface StepEndPayload extends Redactable {
  /** Content id of the output's parts: a JSON array. */
  readonly response?: string;
  /** Content id of a tool's result. */
  readonly result?: string;
  readonly provider?: string;
  /** Model that served. */
  readonly model?: string;
  readonly providerResponseId?: string;
  readonly finishReason?: FinishReason;
  readonly usageRaw?: unknown;
  readonly error?: RecordedError;
  readonly stream?: StreamSummary;
  readonly outputsWithheld?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly assistantMessageId?: string;
  /** A guard's own word for why a tool was kept from running; the known ones are in the facts. */
  readonly blockReason?: string;
}

/** Payload of `attempt-start`. */
export interface AttemptStartPayload extends Redactable {
  readonly method?: string;
  readonly url?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyRef;
}

/** Payload of `attempt-end`. Request fields are repeated here when they became known only with the answer. */
export interface AttemptEndPayload extends Redactable {
  readonly request?: Omit<AttemptStartPayload, 'redactions'>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyRef;
  readonly error?: RecordedError;
  readonly providerRequestId?: string;
}

/** Payload of `log`: the caller's own type and data. */
export interface LogPayload extends Redactable {
  readonly type: string;
  readonly data?: unknown;
}

/** Payload of `error`. */
export interface ErrorPayload extends Redactable {
  readonly error: RecordedError;
}

/** Payload of `gap`. */
export interface GapPayload {
  readonly detail?: string;
}

/** Payload of `content-erase`: what was erased, in numbers only. */
export interface ContentErasePayload {
  readonly scope: 'run' | 'caller' | 'session' | 'message' | 'sampling';
  readonly events: number;
  readonly contents: number;
  /** Contents that other runs share and that therefore stay. */
  readonly shared: number;
}

/** Payload by event type; the types not named here carry an open object. */
export interface PayloadByType {
  'run-create': RunCreatePayload;
  'run-start': RunStartPayload;
  'run-state': RunStatePayload;
  'run-end': RunEndPayload;
  'step-start': StepStartPayload;
  'step-end': StepEndPayload;
  'attempt-start': AttemptStartPayload;
  'attempt-end': AttemptEndPayload;
  log: LogPayload;
  error: ErrorPayload;
  gap: GapPayload;
  'content-erase': ContentErasePayload;
}
