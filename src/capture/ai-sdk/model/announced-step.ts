import { isAbort } from '../../../core/record/failure.ts';
import type { Recorder } from '../../../core/record/recording.ts';
import type { Begun } from '../follow.ts';
import type { ModelName } from '../model-step.ts';
import { modelStepOf } from '../model-step.ts';
import { toFields } from '../sdk-events.ts';
import type { StepPlan } from '../step-plan.ts';
import type { SixCall } from '../version-six/six-call.ts';

/** True when a step asks the same model. */
function isSameModel(a: ModelName, b: ModelName): boolean {
  return a.provider === b.provider && a.modelId === b.modelId;
}

/** The step that version 6 has announced for this call, with an attempt of it begun; `done` when it has one. */
export function sixStep(six: SixCall, toPlan: (number: number) => StepPlan, operation: string): Begun | 'done' {
  const { call } = six;
  const step = call.plan === null ? call.step! : call.beginStep({ ...toPlan(call.plan.number), operation });
  const attempt = step.beginAttempt();
  if (attempt === null) return 'done';
  return {
    step,
    attempt: {
      succeed: (result) => attempt.succeed(result),
      fail(error) {
        attempt.fail(error);
        six.failures += 1;
        // The SDK tells nobody that it gave up: it does so for what is not worth another try, and after the last one.
        const isWorthIt = toFields(error)?.['isRetryable'] === true && !isAbort(error);
        if (!isWorthIt || six.failures > six.maxRetries) call.fail(error);
      },
    },
  };
}

/** The step that the SDK itself has announced for this call, with an attempt of it begun; `done` when it has one. */
export function announcedStep(recorder: Recorder, model: ModelName): Begun | 'done' | null {
  const around = recorder.currentStep();
  const step = around === null ? null : modelStepOf(around);
  if (step === null || step.isEnded || !isSameModel(step.model, model)) return null;
  if (step.recorder.openAttempt !== null) return 'done';
  const attempt = step.beginAttempt();
  return attempt === null ? 'done' : { step, attempt };
}
