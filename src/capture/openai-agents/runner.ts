import type { RunClose, RunStart } from '../../core/record/recording.ts';
import { thrownToEndReason } from '../spans/abort.ts';
import type { OpenSpan } from '../spans/span.ts';
import type { Capture, OfferedRun } from './capture.ts';
import { traceToStart } from './capture.ts';
import { recordModelProvider } from './model.ts';
import { toMessages } from './request.ts';
import type { AgentsSdk, Fields, ModelProvider } from './vendor.ts';
import { parseStructure, toFields, toFieldsList, toText } from './vendor.ts';

/** What `Runner.run` is called with. */
interface Asked {
  readonly agent: Fields | null;
  readonly input: unknown;
  readonly options: Fields | null;
  readonly config: Fields;
}

/** A state that is gone on from has the agent that was at work. */
const resumedAgent = (input: unknown): Fields | null => toFields(toFields(input)?.['_currentAgent']);

/** The runner is told to keep words to itself. */
const isWithheld = (config: Fields): boolean => config['traceIncludeSensitiveData'] === false;

/** What this run is asked: of a whole conversation, what nobody has answered yet. */
function toInputs(input: unknown): unknown {
  if (!Array.isArray(input)) return toText(input) ?? undefined;
  const items = toMessages(undefined, input);
  const last = items.findLastIndex((item) => toFields(item)?.['role'] !== 'user');
  return last === items.length - 1 ? items : items.slice(last + 1);
}

function toStart(sdk: AgentsSdk, { agent, input, options, config }: Asked): Omit<RunStart, 'parent'> {
  const trace = sdk.getCurrentTrace?.() ?? null;
  const own = { name: config['workflowName'], groupId: config['groupId'], traceId: config['traceId'] };
  const told = {
    name: trace?.name ?? toText(own.name) ?? undefined,
    groupId: trace?.groupId ?? toText(own.groupId) ?? toText(options?.['conversationId']),
    traceId: trace?.traceId ?? toText(own.traceId) ?? undefined,
    metadata: trace?.metadata ?? toFields(config['traceMetadata']) ?? undefined,
  };
  const agentId = toText(resumedAgent(input)?.['name']) ?? toText(agent?.['name']) ?? 'agent';
  const inputs = isWithheld(config) ? undefined : toInputs(input);
  return { ...traceToStart(told), agentId, ...(inputs === undefined ? {} : { inputs }) };
}

/** Tools that wait for a person's word, by name; none when the run went through. */
function toPending(result: Fields | null): readonly unknown[] {
  return toFieldsList(result?.['interruptions']).map((item) => ({ awaitsApproval: item['name'] ?? null }));
}

/** Why the caller's signal called a run off. */
function signalToReason(options: Fields | null): 'cancelled' | 'timeout' {
  return thrownToEndReason(toFields(options?.['signal'])?.['reason']) === 'timeout' ? 'timeout' : 'cancelled';
}

/** The last words of a run. `finalOutput` would say the same, but runs the transforms of a schema again. */
function toOutput(words: unknown, state: Fields | null): unknown {
  const isText = (toFields(state?.['_currentAgent'])?.['outputType'] ?? 'text') === 'text';
  return isText || typeof words !== 'string' ? words : parseStructure(words);
}

function valueToClose(value: unknown, { config, options }: Asked): RunClose {
  const result = toFields(value);
  const pending = toPending(result);
  const state = toFields(result?.['state']);
  const step = toFields(state?.['_currentStep']);
  const isAnswered = step?.['type'] === 'next_step_final_output';
  // A stream that is left ends without an error, and without a last word.
  if (result?.['cancelled'] === true && pending.length === 0 && !isAnswered)
    return { endReason: signalToReason(options) };
  if (isWithheld(config)) return { endReason: 'ok' };
  const output = pending.length > 0 ? pending : isAnswered ? toOutput(step['output'], state) : undefined;
  return { endReason: 'ok', ...(output === undefined ? {} : { output }) };
}

function errorToClose(error: unknown, { config, options }: Asked): RunClose {
  const reason = thrownToEndReason(error);
  const isCalledOff = reason === 'error' && toFields(options?.['signal'])?.['aborted'] === true;
  const name = toText(toFields(error)?.['name']) ?? 'Error';
  const told = isWithheld(config) ? Object.assign(new Error('withheld'), { name }) : error;
  return { endReason: isCalledOff ? signalToReason(options) : reason, error: told };
}

/** The run is over once its promise is; a stream's is over when its loop is. Values and errors go on as they came. */
function follow<T>(result: Promise<T>, close: (toClose: () => RunClose) => void, asked: Asked): Promise<T> {
  const ended = (value: unknown): void => close(() => valueToClose(value, asked));
  const failed = (error: unknown): void => close(() => errorToClose(error, asked));
  return result.then(
    (value) => {
      const completed = asked.options?.['stream'] === true ? toFields(value)?.['completed'] : undefined;
      if (completed instanceof Promise) completed.then(() => ended(value), failed);
      else ended(value);
      return value;
    },
    (error: unknown) => {
      failed(error);
      throw error;
    },
  );
}

let count = 0;

function beginRun(capture: Capture, sdk: AgentsSdk, asked: Asked): OpenSpan | null {
  const around = sdk.getCurrentSpan?.()?.spanId ?? null;
  const parentId = capture.book.find(around) === null ? null : around;
  const start = toStart(sdk, asked);
  return capture.book.begin({ id: `run:${(count += 1)}`, parentId, shape: { as: 'run', start }, lone: start });
}

/** Models that the runner finds by name are recorded from now on. */
function recordModelsOf(capture: Capture, config: Fields): void {
  const provider = config['modelProvider'] as ModelProvider | undefined;
  if (typeof provider?.getModel !== 'function') return;
  (config as Record<string, unknown>)['modelProvider'] = recordModelProvider(provider, capture.recorder);
}

type Run = (this: Fields, agent: unknown, input: unknown, options?: unknown) => Promise<unknown>;

function recordedRun(capture: Capture, sdk: AgentsSdk, run: Run): Run {
  return function (this: Fields, ...given) {
    const [agent, input, options] = given;
    const call = (): Promise<unknown> => run.apply(this, given);
    const config = toFields(this?.['config']);
    if (config === null) return call();
    const asked: Asked = { agent: toFields(agent), input, options: toFields(options), config };
    const { book, calls, offers } = capture;
    const open = book.guard(() => (recordModelsOf(capture, config), beginRun(capture, sdk, asked))) ?? null;
    if (open === null) return call();
    const offer: OfferedRun = { id: open.id, isTaken: false };
    const inRun = (): Promise<unknown> => (open.ownsRun ? open.run.within(call) : call());
    const close = (toClose: () => RunClose): void =>
      void book.guard(() => {
        calls.settle(open.id);
        book.close(open.id, toClose());
      });
    return follow(offers.run(offer, inRun), close, asked);
  };
}

/** The recorded methods that stand in the place of the SDK's, with what records them. */
const captureByRun = new WeakMap<Run, Capture>();

/**
 * Records every call of `Runner.run`, the SDK's function `run` and agents as tools included, as a run with its inputs,
 * output and error. The function given back puts the method back.
 */
export function recordRunner(capture: Capture, sdk: AgentsSdk): () => void {
  const prototype = sdk.Runner?.prototype as { run?: Run } | undefined;
  const original = prototype?.run;
  if (prototype === undefined || typeof original !== 'function') return () => undefined;
  if (captureByRun.get(original) === capture) return () => undefined;
  const recorded = recordedRun(capture, sdk, original);
  captureByRun.set(recorded, capture);
  prototype.run = recorded;
  return () => {
    if (prototype.run === recorded) prototype.run = original;
  };
}
