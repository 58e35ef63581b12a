import { TachographError } from '../../core/error.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { StepView } from '../../core/model/step.ts';
import type { RunState } from './state.ts';

/** Steps of a run by number. */
export function listSteps(run: RunState, options: { fromNumber: number; limit: number }): StepView[] {
  return [...run.stepByNumber.values()]
    .filter((step) => step.number >= options.fromNumber)
    .sort((a, b) => a.number - b.number)
    .slice(0, Math.max(0, options.limit));
}

/** One step by its number, or `step-not-found`. */
export function getStep(run: RunState, number: number): StepView {
  const step = run.stepByNumber.get(number);
  if (step === undefined) throw new TachographError('step-not-found', `Run ${run.view.id} has no step ${number}.`);
  return step;
}

/** Attempts of a run, or of one of its steps, by step and number. */
export function listAttempts(run: RunState, stepId: string | null): AttemptView[] {
  const numberById = new Map([...run.stepByNumber.values()].map((step) => [step.id, step.number]));
  return [...run.attemptByKey.values()]
    .filter((attempt) => stepId === null || attempt.stepId === stepId)
    .sort((a, b) => (numberById.get(a.stepId) ?? 0) - (numberById.get(b.stepId) ?? 0) || a.number - b.number);
}
