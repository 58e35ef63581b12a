import type { Recorder, StepFinish, ToolRecorder } from '../../../core/record/recording.ts';
import { isAbort } from '../../../core/record/failure.ts';
import { toFields } from '../sdk-events.ts';
import type { Conversation } from './conversation.ts';
import { modelCallsOf } from './model-calls.ts';
import type { RecordModelOptions } from './options.ts';
import { toWithheld } from './options.ts';
import { isToolUnderWay } from '../tool-step.ts';

type Execute = (input: unknown, options?: unknown) => unknown;

interface ToolCall {
  readonly name: string;
  readonly input: unknown;
  readonly options: unknown;
}

interface OpenTool {
  readonly tool: ToolRecorder;
  readonly conversation: Conversation | null;
}

/** Begins the step of a tool call; `null` when another layer records it, or no run is there to record it in. */
function begin(call: ToolCall, recorder: Recorder, options: RecordModelOptions): OpenTool | null {
  const given = toFields(call.options);
  const id = given?.['toolCallId'];
  if (isToolUnderWay(recorder.currentStep(), id)) return null;
  const found = modelCallsOf(recorder).conversations.findTool({
    id,
    name: call.name,
    input: call.input,
    messages: given?.['messages'],
  });
  const run = found?.[0].run ?? recorder.current();
  if (run === null) return null;
  if (found !== null) found[1].isRecorded = true;
  const { inputs } = toWithheld(options);
  const parentStepId = found?.[0].step?.recorder.id;
  const tool = run.tool({
    name: call.name,
    ...(typeof id === 'string' ? { callId: id } : {}),
    ...(inputs ? { inputsWithheld: true } : { args: call.input }),
    ...(parentStepId === undefined ? {} : { parentStepId }),
  });
  if (found !== null) found[0].openTools += 1;
  return { tool, conversation: found?.[0] ?? null };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof toFields(value)?.[Symbol.asyncIterator as never] === 'function';
}

/** A tool that tells of its progress: each value is asked for inside the tool's scope; the last one is its result. */
async function* followValues(values: AsyncIterable<unknown>, tool: ToolRecorder, end: ToolEnd): AsyncGenerator {
  const iterator = values[Symbol.asyncIterator]();
  let last: unknown;
  let isDone = false;
  try {
    for (;;) {
      const next = await tool.within(() => iterator.next());
      if (next.done === true) break;
      last = next.value;
      yield next.value;
    }
    isDone = true;
    end.succeed(last);
  } catch (error) {
    isDone = true;
    end.fail(error);
    throw error;
  } finally {
    if (!isDone) {
      end.leave();
      await iterator.return?.();
    }
  }
}

interface ToolEnd {
  succeed(result: unknown): void;
  fail(error: unknown): void;
  /** The caller wanted no more values. */
  leave(): void;
}

function createEnd(open: OpenTool, guard: (fn: () => void) => void, isWithheld: boolean): ToolEnd {
  const finish = (end: StepFinish): void =>
    guard(() => {
      if (open.conversation !== null) open.conversation.openTools -= 1;
      open.tool.finish(end);
    });
  const words = (result: unknown): object => (isWithheld ? { outputsWithheld: true } : { result: result ?? null });
  return {
    succeed: (result) => finish({ status: 'completed', resultStatus: 'success', ...words(result) }),
    fail: (error) =>
      finish({
        status: isAbort(error) ? 'interrupted' : 'error',
        resultStatus: 'error',
        error: isWithheld ? new Error('withheld') : error,
      }),
    leave: () => finish({ status: 'interrupted' }),
  };
}

async function followPromise(promise: PromiseLike<unknown>, end: ToolEnd): Promise<unknown> {
  try {
    const result = await promise;
    end.succeed(result);
    return result;
  } catch (error) {
    end.fail(error);
    throw error;
  }
}

/**
 * The tools, recorded: every execution is a tool step under the model step that asked for it, and what it does itself,
 * calls of other agents included, hangs under that step. For SDKs that tell nothing of their tools (version 5). The
 * tools given are not changed; what they return and throw is the same.
 */
export function recordTools<T extends Readonly<Record<string, unknown>>>(
  tools: T,
  recorder: Recorder,
  options: RecordModelOptions = {},
): T {
  if (!recorder.recording || toFields(tools) === null) return tools;
  const { guard, listen } = modelCallsOf(recorder);
  listen(options.onError);
  const recorded =
    (name: string, target: object, execute: Execute): Execute =>
    (input, given) => {
      const run = (): unknown => execute.call(target, input, given);
      const begun: OpenTool[] = [];
      guard(() => {
        const one = begin({ name, input, options: given }, recorder, options);
        if (one !== null) begun.push(one);
      });
      const open = begun[0];
      if (open === undefined) return run();
      const { tool } = open;
      const end = createEnd(open, guard, toWithheld(options).outputs);
      let result: unknown;
      try {
        result = tool.within(run);
      } catch (error) {
        end.fail(error);
        throw error;
      }
      if (isIterable(result)) return followValues(result, tool, end);
      if (typeof toFields(result)?.['then'] === 'function') return followPromise(result as PromiseLike<unknown>, end);
      end.succeed(result);
      return result;
    };
  const entries = Object.entries(tools).map(([name, tool]) => {
    const execute = toFields(tool)?.['execute'];
    if (typeof execute !== 'function') return [name, tool];
    const own = Object.getOwnPropertyDescriptors(tool as object);
    const value = recorded(name, tool as object, execute as Execute);
    return [
      name,
      Object.create(Object.getPrototypeOf(tool) as object, {
        ...own,
        execute: { ...own['execute' as never], value, enumerable: true, configurable: true, writable: true },
      }),
    ];
  });
  return Object.fromEntries(entries) as T;
}
