import type { CallSettings, Fields } from '../sdk-events.ts';

/*
 * What version 6 of the SDK tells the integrations of its process-wide list: six moments of generateText and
 * streamText, and nothing else. No event has the id of its call; none tells of a failure, an abort, a retry, or which
 * of the two functions was called; `recordInputs` and `recordOutputs` are not handed on.
 */

/** A model as the events name it. The object is one per call, or per step, and so tells calls apart. */
export interface SixModel {
  readonly provider?: string;
  readonly modelId?: string;
}

/** What every event but the last two may carry of the caller's telemetry settings. */
interface SixSettings {
  readonly functionId?: string;
  readonly metadata?: Fields;
}

/** `onStart`. */
export interface SixStart extends SixSettings, CallSettings {
  readonly model: SixModel;
  readonly system?: unknown;
  readonly prompt?: unknown;
  readonly messages?: unknown;
  readonly tools?: unknown;
  readonly maxRetries?: number;
  readonly headers?: unknown;
  readonly providerOptions?: unknown;
  readonly stopWhen?: unknown;
  readonly output?: unknown;
  readonly abortSignal?: unknown;
  readonly experimental_context?: unknown;
}

/** `onStepStart`. */
export interface SixStepStart extends SixSettings {
  readonly stepNumber?: number;
  readonly model: SixModel;
  readonly system?: unknown;
  readonly messages?: unknown;
  readonly tools?: unknown;
  readonly toolChoice?: unknown;
  readonly activeTools?: unknown;
  /** Results of the steps before, the very objects that `onStepFinish` told. */
  readonly steps?: readonly unknown[];
  readonly providerOptions?: unknown;
  readonly headers?: unknown;
  readonly stopWhen?: unknown;
  readonly output?: unknown;
  readonly abortSignal?: unknown;
}

/** `onToolCallStart` and `onToolCallFinish`. */
export interface SixToolCall extends SixSettings {
  readonly model?: SixModel;
  readonly toolCall: Fields;
  readonly durationMs?: number;
  readonly success?: boolean;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** `onStepFinish` (the step's result itself) and `onFinish` (the last one's fields, and all results). */
export interface SixResult extends SixSettings {
  readonly stepNumber?: number;
  readonly model?: SixModel;
  readonly content?: unknown;
  readonly finishReason?: unknown;
  readonly text?: unknown;
  readonly response?: unknown;
  readonly experimental_context?: unknown;
  readonly steps?: readonly unknown[];
}

/** True for an event of version 6: those of version 7 have the id of their call. */
export function isOfSix(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'model' in event && !('callId' in event);
}
