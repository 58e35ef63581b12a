import { isAbort } from '../../core/record/failure.ts';
import type { Recorder, RunRecorder, StepRecorder } from '../../core/record/recording.ts';
import type { CallVerdict } from '../../core/work/shadow/interception.ts';
import { verdictToError, verdictToFinish, verdictToMetadata } from '../../core/work/shadow/interception.ts';
import type { ToolHints } from '../../core/work/shadow/tool-class.ts';
import type { ToolDesk } from './desk.ts';

/** What calls are guarded with. */
export interface GuardContext {
  readonly desk: ToolDesk;
  readonly recorder: Recorder;
  /** The run whose calls they are, for those made outside its scope. */
  readonly run?: RunRecorder;
}

/** A call on its way to its tool. */
export interface GuardedCall {
  readonly name: string;
  readonly args: unknown;
  readonly hints?: ToolHints | null;
  readonly callId?: string | null;
  /** It would send words to somebody outside. */
  readonly isMessage?: boolean;
}

/** Steps that a guarded call is recorded by already: a second one inside it has a step of its own. */
const taken = new WeakSet<StepRecorder>();

/** The step that another layer began for this very call and that waits for it, or `null`. */
function stepInScope({ recorder }: GuardContext, { name }: GuardedCall): StepRecorder | null {
  const step = recorder.currentStep();
  if (step === null || step.kind !== 'tool' || step.name !== name || step.status !== 'in_progress') return null;
  return taken.has(step) ? null : step;
}

function beginStep(context: GuardContext, call: GuardedCall, verdict: CallVerdict): StepRecorder | null {
  const run = context.recorder.current() ?? context.run ?? null;
  if (run === null) return null;
  const parent = context.recorder.currentStep();
  return run.tool({
    name: call.name,
    args: call.args ?? null,
    metadata: { ...verdictToMetadata(verdict) },
    ...(call.callId == null ? {} : { callId: call.callId }),
    ...(parent === null || parent.run.id !== run.id ? {} : { parentStepId: parent.id }),
  });
}

type Fields = Readonly<Record<PropertyKey, unknown>>;
const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Fields)[Symbol.asyncIterator] === 'function';
const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Fields)['then'] === 'function';

function fail(step: StepRecorder, error: unknown): void {
  step.finish({ status: isAbort(error) ? 'interrupted' : 'error', resultStatus: 'error', error });
}

function succeed(step: StepRecorder, result: unknown): void {
  step.finish({ status: 'completed', resultStatus: 'success', result: result ?? null });
}

/** A tool that tells of its progress: the last value is its result; one whose caller leaves early is in doubt. */
async function* followValues(values: AsyncIterable<unknown>, step: StepRecorder): AsyncGenerator {
  const iterator = values[Symbol.asyncIterator]();
  let last: unknown = null;
  try {
    for (;;) {
      const next = await step.within(() => iterator.next());
      if (next.done === true) break;
      last = next.value;
      yield next.value;
    }
    succeed(step, last);
  } catch (error) {
    fail(step, error);
    throw error;
  } finally {
    if (step.status === 'in_progress') {
      step.finish({ status: 'interrupted', resultStatus: 'in_doubt' });
      await iterator.return?.();
    }
  }
}

async function followPromise(promise: PromiseLike<unknown>, step: StepRecorder): Promise<unknown> {
  try {
    const result = await promise;
    succeed(step, result);
    return result;
  } catch (error) {
    fail(step, error);
    throw error;
  }
}

/** Runs the tool inside a step that nobody else ends. */
function runRecorded(step: StepRecorder, execute: () => unknown): unknown {
  let result: unknown;
  try {
    result = step.within(execute);
  } catch (error) {
    fail(step, error);
    throw error;
  }
  if (isIterable(result)) return followValues(result, step);
  if (isPromise(result)) return followPromise(result, step);
  succeed(step, result);
  return result;
}

/**
 * Makes a call past the desk. Its step is begun before the tool runs (I3), unless a capture has one open for it; a call
 * that is answered without its tool gives the stand-in, one that is blocked throws `tool-blocked`. What the tool itself
 * returns or throws is unchanged.
 */
export function guardCall(context: GuardContext, call: GuardedCall, execute: () => unknown): unknown {
  const { desk } = context;
  const { name, args, hints = null } = call;
  const verdict = call.isMessage === true ? desk.decideMessage(name, args) : desk.decide(name, args, hints);
  const shared = stepInScope(context, call);
  if (shared !== null) taken.add(shared);
  const step = shared ?? beginStep(context, call, verdict);
  if (verdict.action === 'run') {
    if (shared !== null || step === null) return execute();
    taken.add(step);
    return runRecorded(step, execute);
  }
  step?.finish(verdictToFinish(verdict));
  if (verdict.action === 'block') throw verdictToError(verdict);
  return verdict.result;
}
