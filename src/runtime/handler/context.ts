import { TachographError } from '../../core/error.ts';
import { startChild, waitForChild } from './child.ts';
import type { RunContext } from './handler.ts';
import { loseLease } from './memory.ts';
import { doStep } from './step.ts';
import type { ContextParts } from './surroundings.ts';
import { callTool } from './tool.ts';
import { sleepFor, takeNextSignal } from './waiting.ts';

type StepFn<T> = () => Promise<T> | T;

async function fence(of: ContextParts): Promise<void> {
  of.lease.check();
  // An empty write is one all the same: it is refused when the lease is lost.
  if (await of.parts.work.putMemos(of.run.projectId, of.ref, [])) return;
  await loseLease({ projectId: of.run.projectId, ref: of.ref, work: of.parts.work, lease: of.lease });
}

/** The context of one lease on a run. */
export function createContext(of: ContextParts): RunContext {
  const step = async <T>(
    name: string,
    optionsOrFn: { readonly input?: unknown } | StepFn<T>,
    fn?: StepFn<T>,
  ): Promise<T> => {
    const work = typeof optionsOrFn === 'function' ? optionsOrFn : fn;
    if (typeof work !== 'function')
      throw new TachographError('bad-argument', `The step "${name}" was given no function to do.`);
    const input = typeof optionsOrFn === 'function' ? null : (optionsOrFn.input ?? null);
    return await doStep(of, { name, input }, work);
  };
  return {
    recorder: of.joined,
    signal: of.lease.signal,
    get isReplaying() {
      return of.memory.isReplaying;
    },
    step,
    tool: (name, args, fn, options = {}) => callTool(of, { name, args, fn, options }),
    sleep: (wait) => sleepFor(of, wait),
    waitForSignal: (name, options = {}) => takeNextSignal(of, name, options),
    startRun: (request) => startChild(of, request),
    waitFor: (runId) => waitForChild(of, runId),
    fence: () => fence(of),
  };
}
