import { isAbort } from '../record/failure.ts';
import type { StepRecorder, ToolRecorder } from '../record/recording.ts';

/** A step of kind `tool` with its two usual ends. */
export function toToolRecorder(step: StepRecorder): ToolRecorder {
  return {
    id: step.id,
    run: step.run,
    kind: step.kind,
    get status() {
      return step.status;
    },
    get openAttempt() {
      return step.openAttempt;
    },
    attempt: (request) => step.attempt(request),
    finish: (finish) => step.finish(finish),
    partial: (texts) => step.partial(texts),
    actualCost: (cost) => step.actualCost(cost),
    get inputsWithheld() {
      return step.inputsWithheld;
    },
    get outputsWithheld() {
      return step.outputsWithheld;
    },
    withhold: (sides) => step.withhold(sides),
    within: (fn) => step.within(fn),
    enter: () => step.enter(),
    succeed: (result) => step.finish({ status: 'completed', result, resultStatus: 'success' }),
    fail: (error) => step.finish({ status: isAbort(error) ? 'interrupted' : 'error', error, resultStatus: 'error' }),
  };
}
