import type { ModelAttempt, ModelStep } from './model-step.ts';

/** An attempt under way. */
export interface Begun {
  readonly step: ModelStep;
  readonly attempt: ModelAttempt;
}

/** Makes a call inside its step's scope and records what came of it: the caller gets the same value or the same error. */
export async function follow<T>(
  { step, attempt }: Begun,
  execute: () => PromiseLike<T>,
  guard: (fn: () => void) => void,
): Promise<T> {
  let result: T;
  try {
    result = await step.recorder.within(execute);
  } catch (error) {
    guard(() => attempt.fail(error));
    throw error;
  }
  guard(() => attempt.succeed(result));
  return result;
}
