/**
 * What this capture reads of the SDK's telemetry events. Every field may be missing: another version of the SDK, or
 * `recordInputs: false`, leaves it out. The SDK itself is never imported.
 */

/** An object of unknown shape. */
export type Fields = Readonly<Record<string, unknown>>;

/** Added by the SDK's dispatcher to every event. */
export interface EventSwitches {
  readonly functionId?: string;
  readonly recordInputs?: boolean;
  readonly recordOutputs?: boolean;
  /** Set when an event is reported after it happened, as durable workflows do. Unix milliseconds. */
  readonly timestamp?: number;
}

/** Settings of a language model call that reach the provider as they are. */
export interface CallSettings {
  readonly maxOutputTokens?: unknown;
  readonly temperature?: unknown;
  readonly topP?: unknown;
  readonly topK?: unknown;
  readonly presencePenalty?: unknown;
  readonly frequencyPenalty?: unknown;
  readonly stopSequences?: unknown;
  readonly seed?: unknown;
  readonly reasoning?: unknown;
}

/** `onStart` of any operation. Which fields are there depends on `operationId`. */
export interface OperationStart extends EventSwitches, CallSettings {
  readonly callId?: string;
  readonly operationId?: string;
  readonly provider?: string;
  readonly modelId?: string;
  readonly instructions?: unknown;
  readonly text?: unknown;
  readonly voice?: unknown;
  readonly outputFormat?: unknown;
  readonly speed?: unknown;
  readonly language?: unknown;
  readonly audio?: unknown;
  readonly inputAudioFormat?: unknown;
  readonly timestampGranularities?: unknown;
  readonly schema?: unknown;
  readonly schemaName?: unknown;
  readonly schemaDescription?: unknown;
  readonly providerOptions?: unknown;
}

/** `onStepStart`: the messages and tools as the model will see them are in `promptMessages` and `stepTools`. */
export interface StepStartEvent extends EventSwitches {
  readonly callId?: string;
  readonly provider?: string;
  readonly modelId?: string;
  readonly stepNumber?: number;
  readonly instructions?: unknown;
  readonly messages?: unknown;
  readonly promptMessages?: unknown;
  readonly tools?: unknown;
  readonly stepTools?: unknown;
  readonly stepToolChoice?: unknown;
  readonly toolChoice?: unknown;
  readonly providerOptions?: unknown;
  readonly output?: unknown;
}

/** `onLanguageModelCallStart`, and the context of `executeLanguageModelCall`. */
export interface ModelCallStart extends EventSwitches, CallSettings {
  readonly callId?: string;
  readonly provider?: string;
  readonly modelId?: string;
  readonly instructions?: unknown;
  readonly messages?: unknown;
  readonly tools?: unknown;
}

/** What `executeLanguageModelCall` is called with. */
export interface ModelCallExecution<T> extends ModelCallStart {
  readonly callId: string;
  readonly execute: () => PromiseLike<T>;
}

/** `onToolExecutionStart` and `onToolExecutionEnd`. */
export interface ToolEvent extends EventSwitches {
  readonly callId?: string;
  readonly toolCall?: unknown;
  readonly toolOutput?: unknown;
  readonly toolExecutionMs?: number;
}

/** What `executeTool` is called with. */
export interface ToolExecution<T> extends EventSwitches {
  readonly callId: string;
  readonly toolCallId: string;
  readonly toolCall?: unknown;
  readonly execute: () => PromiseLike<T>;
}

/** `onStepEnd`, `onStepError`, `onEnd`, `onAbort`, `onError` and the ends of the other operations. */
export interface EndEvent extends EventSwitches {
  readonly callId?: string;
  readonly error?: unknown;
  readonly reason?: unknown;
}

/** An object that can be read by field, or `null`. */
export function toFields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? (value as Fields) : null;
}

/** A string that is not empty, or `undefined`. */
export function toText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
