import type { StepRecorder } from '../../core/record/recording.ts';
import { isTachographError } from '../../core/error.ts';
import { toRememberedValue } from './memory.ts';
import type { ContextParts } from './surroundings.ts';

/** How a step ends that threw: what was cut short by the end of its lease is no error of its own. */
export function finishFailed(step: StepRecorder, error: unknown, of: ContextParts): void {
  const isCut = of.lease.reason !== null && isTachographError(error);
  step.finish({ status: isCut ? 'interrupted' : 'error', error });
}

/** Does a step, or gives what an earlier lease remembers of it. */
export async function doStep<T>(
  of: ContextParts,
  asked: { readonly name: string; readonly input: unknown },
  fn: () => Promise<T> | T,
): Promise<T> {
  of.lease.check();
  const { name, input } = asked;
  const known = of.memory.next('step', name, input);
  if (known.memo?.status === 'done') return known.value() as T;
  return await of.waits.busy(async () => {
    const step = of.joined.step({ kind: 'phase', name });
    try {
      const value = toRememberedValue(name, await step.within(fn));
      await known.put({ status: 'done', stepId: step.id, value });
      step.finish({ status: 'completed', result: value });
      return value;
    } catch (error) {
      finishFailed(step, error, of);
      throw of.lease.reason ?? error;
    }
  });
}
