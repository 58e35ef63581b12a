import { TachographError } from '../../../core/error.ts';
import type { Recorder } from '../../../core/record/recording.ts';
import type { Begun } from '../follow.ts';
import { follow } from '../follow.ts';
import type { ModelName, ModelSpending } from '../model-step.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import type { GovernedStart } from '../../../core/work/gate.ts';
import { governedStart, signalWithPass } from '../../../core/work/gate.ts';
import { noteRecorded } from '../version-six/six-call.ts';
import type { LanguageCall } from './model-calls.ts';
import { modelCallsOf } from './model-calls.ts';
import type { RecordModelOptions } from './options.ts';
import type { PlainCall } from './plain-call.ts';
import { recordPlainCall } from './plain-call.ts';
import { enterCall } from './spending.ts';
import { createStandIn } from './stand-in.ts';

type Method = (...args: unknown[]) => PromiseLike<unknown>;

/** Makes the model's call; the signal is that of a governed run's pass, which may cut it off. */
export type Execute<T> = (signal: AbortSignal | null) => PromiseLike<T>;

/** Makes a language model's call and records it; what the caller gets is what the model gave. */
export function recordLanguageCall<T>(
  call: LanguageCall,
  execute: Execute<T>,
  of: { recorder: Recorder; options: RecordModelOptions },
): PromiseLike<T> {
  const calls = modelCallsOf(of.recorder);
  const governed: GovernedStart[] = [];
  const begun: (Begun | null)[] = [];
  calls.guard(() => {
    const start = governedStart(of.recorder);
    if (start !== null) governed.push(start);
    begun.push(calls.begin(call, of.options));
  });
  const [one] = begun;
  // Another layer records the call, and asks about it where it sends it.
  if (one === null) return execute(null);
  if (governed[0] !== undefined) return followGoverned(governed[0], { call, begun: one }, execute, calls.guard);
  const alone = (): PromiseLike<T> => execute(null);
  return one === undefined ? alone() : follow(one, alone, calls.guard);
}

/** Makes a call of a governed run, if its start was recorded and the gate lets it out. */
async function followGoverned<T>(
  start: GovernedStart,
  of: { readonly call: LanguageCall; readonly begun: Begun | undefined },
  execute: Execute<T>,
  guard: (fn: () => void) => void,
): Promise<T> {
  const { call, begun } = of;
  let spending: ModelSpending;
  try {
    spending = await enterCall(start, begun?.step.recorder ?? null, call);
    begun!.step.spending = spending;
  } catch (error) {
    guard(() => begun?.attempt.fail(error));
    throw error;
  }
  return follow(begun!, () => execute(spending.signal), guard);
}

/** The arguments of a model's method with a signal of ours beside the caller's. */
function withSignal(args: readonly unknown[], signal: AbortSignal): unknown[] {
  const params = args[0] as Fields;
  return [{ ...params, abortSignal: signalWithPass(params['abortSignal'], signal) }, ...args.slice(1)];
}

/** Which operation a method of a model stands for, by what kind of model has it; `null` when it is no model call. */
function operationOf(model: Fields, method: string, params: Fields): string | null {
  if (method === 'doEmbed') return 'embed';
  if (method === 'doRerank') return 'rerank';
  const isLanguage = Array.isArray(params['prompt']);
  if (method === 'doStream') return isLanguage ? 'stream' : null;
  if (method !== 'doGenerate') return null;
  if (isLanguage) return 'generate';
  if ('maxImagesPerCall' in model) return 'image';
  if ('audio' in params) return 'transcribe';
  return 'text' in params ? 'speech' : null;
}

function nameOf(model: Fields): ModelName {
  return { provider: toText(model['provider']), modelId: toText(model['modelId']) };
}

/** What a model is asked now, as this record knows it; `null` when it is nothing of the kind. */
function toCall(model: Fields, method: string, params: unknown): PlainCall | null {
  const fields = toFields(params);
  const operation = fields === null ? null : operationOf(model, method, fields);
  return operation === null ? null : { operation, model: nameOf(model), params: fields! };
}

function checkModel(model: unknown): asserts model is object {
  if (model === undefined || model === null)
    throw new TachographError('model-missing', 'recordModel was given no model; pass the model object to record.');
  if (typeof model !== 'object')
    throw new TachographError(
      'bad-argument',
      `recordModel was given ${JSON.stringify(model)}; pass the model object, as the provider's function returns it.`,
    );
}

/**
 * The model, recorded: every call of it is a step with its attempts, in the run in scope or in a run of the
 * conversation's own. For any version of the SDK's models (language, embedding, reranking, image, speech,
 * transcription). What it gives and throws is the same; a recorder that records nothing gives the model itself back.
 * Throws `model-missing` without a model, and `bad-argument` for a model's name.
 */
export function recordModel<M>(model: M, recorder: Recorder, options: RecordModelOptions = {}): M {
  checkModel(model);
  if (!recorder.recording) return model;
  const target = model as Fields;
  const of = { recorder, options };
  const { guard, listen } = modelCallsOf(recorder);
  listen(options.onError);
  guard(() => noteRecorded(nameOf(target)));

  const record =
    (name: string, method: Method): Method =>
    (...args) => {
      const execute: Execute<unknown> = (signal) =>
        method.apply(target, signal === null ? args : withSignal(args, signal));
      const calls: PlainCall[] = [];
      guard(() => {
        const call = toCall(target, name, args[0]);
        if (call !== null) calls.push(call);
      });
      const call = calls[0];
      if (call === undefined) return execute(null);
      const { operation } = call;
      if (operation === 'generate' || operation === 'stream')
        return recordLanguageCall({ ...call, operation }, execute, of);
      return recordPlainCall(call, execute, of);
    };
  return createStandIn(target, (name, method) =>
    name.startsWith('do') ? record(name, method as Method) : method.bind(target),
  ) as M;
}
