import type { Clock } from '../../../core/clock.ts';
import { systemClock } from '../../../core/clock.ts';
import type { Withheld } from '../map/response.ts';
import type { ModelName } from '../model-step.ts';
import type { OperationStart } from '../sdk-events.ts';
import type { Schedule, TapTiming } from '../stream/tap.ts';
import { systemSchedule } from '../stream/tap.ts';

/** How models are recorded where the SDK tells nothing of its own. */
export interface RecordModelOptions {
  /** Agent id of runs begun for a conversation. Default `ai-sdk`. */
  readonly agentId?: string;
  /** `false`: what goes in, or comes out, is withheld from the record. */
  readonly recordInputs?: boolean;
  readonly recordOutputs?: boolean;
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  /** A stream unread, or a conversation not gone on with, for longer is over. Default ten minutes. */
  readonly unreadMs?: number;
  /** How often the words of a stream are written before its end, see `AiSdkCaptureOptions`. Off when left out. */
  readonly streamFlushMs?: number;
  /** Told of what went wrong in here; the host never is (I1). */
  readonly onError?: (error: unknown) => void;
}

const tenMinutesMs = 10 * 60 * 1000;

/** Time and care as a model step needs them. */
export function toTiming(options: RecordModelOptions): TapTiming {
  return {
    clock: options.clock ?? systemClock,
    schedule: options.schedule ?? systemSchedule,
    unreadMs: options.unreadMs ?? tenMinutesMs,
    ...(options.streamFlushMs === undefined ? {} : { streamFlushMs: options.streamFlushMs }),
  };
}

/** Which sides of a call its owner keeps out of the record. */
export function toWithheld(options: RecordModelOptions): Withheld {
  return { inputs: options.recordInputs === false, outputs: options.recordOutputs === false };
}

/** What the place of a call is found by. */
export function toOperationStart(model: ModelName, options: RecordModelOptions): OperationStart {
  return { modelId: model.modelId, ...(options.agentId === undefined ? {} : { functionId: options.agentId }) };
}
