import type { AttemptFinish, AttemptRecorder, StepFinish, StepRecorder } from '../../core/record/recording.ts';
import type { CallOutcome } from '../../core/work/gate.ts';
import { errorToAttempt, resultToAttempt, streamToAttempt } from './map/attempt.ts';
import type { Withheld } from './map/response.ts';
import { errorToFinish, outcomeToFinish, resultToFinish } from './map/response.ts';
import type { Fields } from './sdk-events.ts';
import { toFields } from './sdk-events.ts';
import type { StreamEnd } from './stream/fold.ts';
import { createStreamFold } from './stream/fold.ts';
import type { TapTiming } from './stream/tap.ts';
import { tapStream } from './stream/tap.ts';

/** The model step over each step recorder, for the layer below, which finds the recorder in its scope. */
const stepByRecorder = new WeakMap<StepRecorder, ModelStep>();

/** The model step over a step recorder; `null` when this capture did not make it. */
export function modelStepOf(recorder: StepRecorder): ModelStep | null {
  return stepByRecorder.get(recorder) ?? null;
}

/** What a model step needs from its surroundings. */
export interface ModelStepParts {
  readonly recorder: StepRecorder;
  readonly number: number;
  readonly withheld: Withheld;
  readonly timing: TapTiming;
  /** Whom it asks, in the SDK's own words. */
  readonly model?: ModelName;
  /** Runs what must not reach the host when it fails (I1). */
  readonly guard: (fn: () => void) => void;
  /** A stream of this step ended without an error part; `isDone`: with an answer that asked for no tool. */
  readonly onStreamEnd?: (end: StreamEnd, isDone: boolean) => void;
  /** Told of each part of a stream as it passes, and of every end of the step, later ones included. */
  readonly onPart?: (part: unknown) => void;
  readonly onFinish?: (finish: StepFinish) => void;
}

/** A model as the SDK names it. */
export interface ModelName {
  readonly provider?: string;
  readonly modelId?: string;
}

/** One model step of an SDK call: its attempts and its end. */
export interface ModelStep {
  readonly recorder: StepRecorder;
  /** The SDK's own number within the call, from 0. */
  readonly number: number;
  readonly model: ModelName;
  /** The answer was recorded; the SDK's later account of it adds nothing. */
  readonly isEnded: boolean;
  /** Its latest attempt was answered, but nobody may know with what. */
  readonly isAnswered: boolean;
  /** What it ended with, when with an error. */
  readonly error: unknown;
  /** The provider's id of its answer, once known. */
  readonly responseId: string | undefined;
  /** What the attempt under way spends, where that is counted. */
  spending: ModelSpending | null;
  /** Begins an attempt; `null` when one is being made, as when the same capture is registered twice. */
  beginAttempt(): ModelAttempt | null;
  finish(finish: StepFinish): void;
  /** Ends the step for something thrown or aborted, a stream under way included. */
  fail(error: unknown): void;
}

/** Counts what an attempt of a governed run spends. */
export interface ModelSpending {
  /** Why the attempt may not go on; `null` while it may. */
  readonly refusal: Error | null;
  /** Aborted with it; `null` when nothing cuts the attempt off. */
  readonly signal: AbortSignal | null;
  part(part: unknown): void;
  end(outcome: Omit<CallOutcome, 'outputBytes'>): void;
}

/** One attempt of a model step. */
export interface ModelAttempt {
  /** The call answered: a whole answer ends the step, a stream is observed to its end. */
  succeed(result: unknown): void;
  /** The call threw. The step goes on: the SDK may try again. */
  fail(error: unknown): void;
}

interface OpenStream {
  end(end: StreamEnd): void;
}

/** A call that failed may have been charged for, unless the provider refused it or it never left. */
export function isUsedDespite(thrown: unknown): boolean {
  const { statusCode, cause } = (thrown ?? {}) as { statusCode?: unknown; cause?: { code?: unknown } };
  const isRefused = typeof statusCode === 'number' && statusCode >= 400;
  return !isRefused && cause?.code !== 'ECONNREFUSED' && cause?.code !== 'ENOTFOUND';
}

/** A model step over a step recorder. */
export function createModelStep(parts: ModelStepParts): ModelStep {
  const { recorder, withheld, timing, guard } = parts;
  const isWithheld = withheld.inputs || withheld.outputs;
  let isCalling = false;
  let stream: OpenStream | null = null;

  const finish = (end: StepFinish): void => {
    step.isEnded = true;
    step.error = end.error;
    step.responseId = end.providerResponseId;
    recorder.finish(end);
    parts.onFinish?.(end);
  };

  /** What an attempt brought must not keep the step from its end, so it is guarded apart. */
  const finishAttempt = (attempt: AttemptRecorder, toFinish: () => AttemptFinish): void => {
    if (!attempt.claimed) guard(() => attempt.finish(toFinish()));
  };

  /** What an answer says besides its stream; a stream held on to here could never be found abandoned. */
  const observe = (attempt: AttemptRecorder, { stream: source, ...result }: Fields, startMs: number): void => {
    const { spending } = step;
    const fold = createStreamFold(startMs);
    let said: string | null = null;
    let cancelFlush: (() => void) | null = null;
    const stopFlush = (): void => {
      cancelFlush?.();
      cancelFlush = null;
    };
    const planFlush = (): void => {
      if (timing.streamFlushMs === undefined || isWithheld || cancelFlush !== null) return;
      cancelFlush = timing.schedule(() => {
        cancelFlush = null;
        guard(() => recorder.partial(fold.texts()));
      }, timing.streamFlushMs);
    };
    const end = (how: StreamEnd): void => {
      if (how.kind !== 'unread' && stream === own) stream = null;
      stopFlush();
      const outcome = fold.outcome(how);
      // An unread or aborted stream that is read to its end after all has completed; anything else is known already.
      if (said !== null && (said === 'completed' || outcome.status !== 'completed')) return;
      said = outcome.status;
      finishAttempt(attempt, () => streamToAttempt(result, outcome, { end: how, isWithheld }));
      const ended = outcomeToFinish(outcome, withheld);
      finish(ended);
      spending?.end({
        isUsed: true,
        isWhole: said === 'completed',
        usage: ended.usage ?? null,
        usageRaw: ended.usageRaw,
      });
      const isDone = outcome.status === 'completed' && outcome.finishReason?.unified !== 'tool-calls';
      if (!fold.hasError) parts.onStreamEnd?.(how, isDone);
    };
    const own: OpenStream = { end };
    const observer = {
      part: (part: unknown) =>
        guard(() => {
          fold.add(part, timing.clock.monotonicMs());
          parts.onPart?.(part);
          spending?.part(part);
          planFlush();
        }),
      end: (how: StreamEnd) => guard(() => end(how)),
      get isFinished() {
        return fold.isFinished;
      },
      get refusal() {
        return spending?.refusal ?? null;
      },
    };
    stream = tapStream(source, observer, timing) ? own : null;
    if (stream === null) spending?.end({ isUsed: true, isUnseen: true, usage: null });
  };

  // Fields, not accessors: an object literal with accessors costs 2 µs to make (2026-11-21).
  const step: { -readonly [K in keyof ModelStep]: ModelStep[K] } = {
    recorder,
    number: parts.number,
    model: parts.model ?? {},
    isEnded: false,
    isAnswered: false,
    error: undefined,
    responseId: undefined,
    spending: null,
    beginAttempt() {
      if (isCalling) return null;
      isCalling = true;
      const attempt = recorder.attempt();
      const startMs = timing.clock.monotonicMs();
      return {
        succeed(value) {
          isCalling = false;
          // On the channel the answers of a withheld call are not told at all: its end comes with the step's.
          step.isAnswered = value === undefined && isWithheld;
          if (step.isAnswered) {
            step.spending?.end({ isUsed: true, isUnseen: true, usage: null });
            return finishAttempt(attempt, () => ({ status: 'completed' }));
          }
          const result = toFields(value) ?? {};
          if (result['stream'] !== undefined) return observe(attempt, result, startMs);
          finishAttempt(attempt, () => resultToAttempt(result, isWithheld));
          const ended = resultToFinish(result, withheld);
          finish(ended);
          step.spending?.end({ isUsed: true, isWhole: true, usage: ended.usage ?? null, usageRaw: ended.usageRaw });
        },
        fail(thrown) {
          isCalling = false;
          finishAttempt(attempt, () => errorToAttempt(thrown, isWithheld, timing.clock.nowMs()));
          step.spending?.end({ isUsed: isUsedDespite(thrown), usage: null });
        },
      };
    },
    finish,
    fail(thrown) {
      if (stream !== null) stream.end({ kind: 'aborted', reason: thrown });
      else if (!step.isEnded) finish(errorToFinish(thrown, withheld));
    },
  };
  stepByRecorder.set(recorder, step);
  return step;
}
