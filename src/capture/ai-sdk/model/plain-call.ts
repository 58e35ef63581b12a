import type { Usage } from '../../../core/model/usage.ts';
import type { GovernedStart } from '../../../core/work/gate.ts';
import { governedStart } from '../../../core/work/gate.ts';
import type { Recorder, StepFinish, StepRecorder } from '../../../core/record/recording.ts';
import { errorToEndReason } from '../../../core/record/failure.ts';
import { errorToAttempt, resultToAttempt } from '../map/attempt.ts';
import { toFailure } from '../map/failure.ts';
import { plainToFinish, toOperation, toPlainRequest } from '../map/operation.ts';
import { errorToFinish } from '../map/response.ts';
import type { ModelName, ModelSpending } from '../model-step.ts';
import { isUsedDespite, modelStepOf } from '../model-step.ts';
import { findPlace, withholdOnWire } from '../place.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';
import { planToStart } from '../step-plan.ts';
import { modelCallsOf } from './model-calls.ts';
import type { RecordModelOptions } from './options.ts';
import type { Execute } from './record-model.ts';
import { enterCall } from './spending.ts';
import { toOperationStart, toTiming, toWithheld } from './options.ts';

/** A call that is no conversation: an embedding, a reranking, an image, speech, a transcription. */
export interface PlainCall {
  readonly operation: string;
  readonly model: ModelName;
  readonly params: Fields;
}

/** The record of one plain call, begun. */
interface OpenCall {
  readonly step: StepRecorder;
  readonly within: <T>(fn: () => T) => T;
  /** Gives back what the provider said that it used. */
  succeed(result: unknown): Usage | null;
  fail(error: unknown): void;
}

/** True when the SDK records this call itself. */
function isAnnounced(recorder: Recorder, model: ModelName): boolean {
  const around = recorder.currentStep();
  const step = around === null ? null : modelStepOf(around);
  return step !== null && step.model.provider === model.provider && step.model.modelId === model.modelId;
}

function begin(call: PlainCall, recorder: Recorder, options: RecordModelOptions): OpenCall | null {
  if (isAnnounced(recorder, call.model)) return null;
  const withheld = toWithheld(options);
  const isWithheld = withheld.inputs || withheld.outputs;
  const start = toOperationStart(call.model, options);
  const operation = toOperation(call.operation);
  const { run, isOwn, parentStepId } = findPlace({ recorder, around: null }, start, operation);
  const asked = { settings: {}, providerOptions: call.params['providerOptions'] };
  const plan = { number: 0, ...call.model, request: toPlainRequest(call.params), asked };
  const step = run.step(planToStart(plan, { operation, withheld, parentStepId }));
  if (isWithheld) withholdOnWire(step);
  const attempt = step.attempt();
  const finish = (end: StepFinish): void => {
    step.finish(end);
    if (!isOwn) return;
    if (end.status === 'completed') run.close({ endReason: 'ok' });
    else run.close({ endReason: errorToEndReason(end.error), error: end.error });
  };
  return {
    step,
    within: (fn) => step.within(fn),
    succeed(result) {
      const fields = toFields(result) ?? {};
      if (!attempt.claimed) attempt.finish(resultToAttempt(fields, isWithheld));
      const end = plainToFinish({ ...fields, operation: call.operation }, withheld);
      finish(end);
      return end.usage ?? null;
    },
    fail(error) {
      if (!attempt.claimed) attempt.finish(errorToAttempt(error, isWithheld, toTiming(options).clock.nowMs()));
      finish({ ...errorToFinish(error, withheld), error: toFailure(error, isWithheld) });
    },
  };
}

/** Makes a plain call and records it; what the caller gets is what the model gave. */
export async function recordPlainCall<T>(
  call: PlainCall,
  execute: Execute<T>,
  of: { recorder: Recorder; options: RecordModelOptions },
): Promise<T> {
  const { guard } = modelCallsOf(of.recorder);
  const governed: GovernedStart[] = [];
  const begun: (OpenCall | null)[] = [];
  guard(() => {
    const start = governedStart(of.recorder);
    if (start !== null) governed.push(start);
    begun.push(begin(call, of.recorder, of.options));
  });
  const open = begun[0] ?? null;
  let spending: ModelSpending | null = null;
  if (governed[0] !== undefined && begun[0] !== null) {
    try {
      spending = await enterCall(governed[0], open?.step ?? null, call);
    } catch (error) {
      guard(() => open?.fail(error));
      throw error;
    }
  }
  if (open === null) return execute(null);
  let result: T;
  try {
    result = await open.within(() => execute(spending?.signal ?? null));
  } catch (error) {
    guard(() => open.fail(error));
    spending?.end({ isUsed: isUsedDespite(error), usage: null });
    throw error;
  }
  guard(() => {
    const usage = open.succeed(result);
    spending?.end({ isUsed: true, isWhole: true, usage });
  });
  return result;
}
