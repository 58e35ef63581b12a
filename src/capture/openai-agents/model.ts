import { elapsedMs, systemClock } from '../../core/clock.ts';
import type { Recorder, StepFinish, StepStart } from '../../core/record/recording.ts';
import { isCalledOff } from '../spans/abort.ts';
import type { Capture, CaptureOptions } from './capture.ts';
import { captureName, captureOf } from './capture.ts';
import type { ModelCall } from './model-calls.ts';
import { requestToStart } from './request.ts';
import { outputToCalls, responseToFinish } from './response.ts';
import { createStreamFold } from './stream-fold.ts';
import type { Model, ModelProvider, ModelRequest, ModelResponse } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** The models that were made to be recorded, by recorder and model; a recorded model is its own. */
const recordedByCapture = new WeakMap<Capture, WeakMap<object, object>>();

function remembered<T extends object>(capture: Capture, original: T, create: () => T): T {
  let recorded = recordedByCapture.get(capture);
  if (recorded === undefined) recordedByCapture.set(capture, (recorded = new WeakMap()));
  const known = recorded.get(original);
  if (known !== undefined) return known as T;
  const made = create();
  recorded.set(original, made);
  recorded.set(made, made);
  return made;
}

/** Where a call is made: the span that the runner names as its parent, else the run around `Runner.run`. */
function placeOf(capture: Capture, request: ModelRequest): { parentId: string | null; isInLoop: boolean } {
  const internal = toFields(toFields(request)?.['_internal']);
  const spanId = toText(toFields(internal?.['tracingParent'])?.['spanId']);
  const offer = capture.offers.getStore();
  const id = capture.book.find(spanId) === null ? offer?.id : spanId;
  return { parentId: id ?? null, isInLoop: id !== null && id !== undefined };
}

/** Of what is thrown in a call whose words are withheld, its kind and status stay. */
function withholdWords(error: unknown): unknown {
  const fields = toFields(error);
  const blank = new Error('withheld');
  blank.name = toText(fields?.['name']) ?? 'Error';
  return Object.assign(blank, { status: fields?.['status'] });
}

function failureToFinish(error: unknown, { signal, tracing }: ModelRequest): StepFinish {
  const status = isCalledOff(error) || signal?.aborted === true ? 'interrupted' : 'error';
  return { status, usage: null, error: tracing === 'enabled_without_data' ? withholdWords(error) : error };
}

interface Asked {
  readonly model: object;
  readonly name: string | null;
  readonly request: ModelRequest;
}

const isOpenAi = (model: object): boolean => model.constructor?.name.startsWith('OpenAI') ?? false;

function beginCall(capture: Capture, { model, name, request }: Asked, operation: string): ModelCall | null {
  const { book } = capture;
  if (!capture.isOn) return null;
  return (
    book.guard(() => {
      const fields = toFields(model);
      const modelName = toText(name) ?? toText(fields?.['model']) ?? toText(fields?.['_model']);
      const start: StepStart = {
        kind: 'model',
        operation,
        ...(isOpenAi(model) ? { provider: 'openai' } : {}),
        ...(modelName === null ? {} : { model: modelName }),
        ...requestToStart(request),
      };
      const lone = { agentId: modelName ?? 'model', capture: captureName };
      const call = capture.calls.begin({ ...placeOf(capture, request), start, lone });
      if (request.tracing === 'enabled_without_data') call?.step.withhold({ inputs: true, outputs: true });
      return call;
    }) ?? null
  );
}

function noteAnswer(capture: Capture, request: ModelRequest, response: ModelResponse): void {
  const { parentId } = placeOf(capture, request);
  const isWithheld = request.tracing === 'enabled_without_data';
  if (parentId !== null) capture.asked.add(parentId, outputToCalls(response.output), isWithheld);
}

async function recordResponse(
  capture: Capture,
  asked: Asked,
  ask: () => Promise<ModelResponse>,
): Promise<ModelResponse> {
  const { book } = capture;
  const { request } = asked;
  const call = beginCall(capture, asked, 'generate');
  if (call === null) return ask();
  try {
    const response = await call.within(ask);
    book.guard(() => noteAnswer(capture, request, response));
    book.guard(() => call.finish(responseToFinish(response, call.step.outputsWithheld)));
    return response;
  } catch (error) {
    book.guard(() => call.finish(failureToFinish(error, request)));
    throw error;
  }
}

/** A stream that is recorded as it passes. It is the original that asks, answers and is left. */
async function* recordStream(
  capture: Capture,
  asked: Asked,
  ask: () => AsyncIterable<unknown>,
): AsyncIterable<unknown> {
  const { book } = capture;
  const { request } = asked;
  const call = beginCall(capture, asked, 'stream');
  if (call === null) return yield* ask();
  const sinceMs = systemClock.monotonicMs();
  const fold = createStreamFold();
  let firstMs: number | null = null;
  let end: Pick<StepFinish, 'status' | 'error'> = { status: 'interrupted' };
  const iterator = call.within(() => ask()[Symbol.asyncIterator]());
  try {
    for (;;) {
      const next = await call.within(() => iterator.next());
      if (next.done === true) break;
      book.guard(() => fold.push(next.value));
      if (firstMs === null && fold.hasOutput) firstMs = elapsedMs(systemClock, sinceMs);
      yield next.value;
    }
  } catch (error) {
    end = failureToFinish(error, request);
    throw error;
  } finally {
    book.guard(() => {
      const { response } = fold;
      if (response !== null && end.error === undefined) end = { status: 'completed' };
      if (response !== null) noteAnswer(capture, request, response);
      const first = firstMs === null ? {} : { timeToFirstTokenMs: firstMs };
      call.finish({ ...fold.finish(end, call.step.outputsWithheld), ...first });
    });
    // Does nothing once the stream is over; left by its reader, it is told so.
    await call.within(() => iterator.return?.());
  }
}

function recordNamedModel<M extends Model>(capture: Capture, model: M, name: string | null): M {
  return remembered(capture, model, () => {
    const getResponse = (request: ModelRequest): Promise<ModelResponse> =>
      recordResponse(capture, { model, name, request }, () => model.getResponse(request as never));
    const getStreamedResponse = (request: ModelRequest): AsyncIterable<unknown> =>
      recordStream(capture, { model, name, request }, () => model.getStreamedResponse(request as never));
    const ownByName: Readonly<Record<PropertyKey, unknown>> = { getResponse, getStreamedResponse };
    return new Proxy(model, {
      get(target, key) {
        if (Object.hasOwn(ownByName, key)) return ownByName[key];
        const value: unknown = Reflect.get(target, key, target);
        // Models keep private fields, which a stand-in does not have.
        return typeof value === 'function' && key !== 'constructor' ? (value.bind(target) as unknown) : value;
      },
    });
  });
}

/**
 * A model of the Agents SDK whose calls are recorded: messages, tools and settings before the call leaves (I3), words,
 * tool calls, usage and errors after. Same values, same order, same errors. For agents that are given a model object;
 * models that are named by a string are recorded by `installAgents`.
 */
export function recordModel<M extends Model>(model: M, recorder: Recorder, options: CaptureOptions = {}): M {
  return recorder.recording ? recordNamedModel(captureOf(recorder, options), model, null) : model;
}

/** A provider whose models are recorded; see `recordModel`. */
export function recordModelProvider<P extends ModelProvider>(
  provider: P,
  recorder: Recorder,
  options: CaptureOptions = {},
): P {
  if (!recorder.recording) return provider;
  const capture = captureOf(recorder, options);
  const record = (model: Model, name: string | undefined): Model => recordNamedModel(capture, model, name ?? null);
  return remembered(capture, provider, () => {
    const getModel = (name?: string): Promise<Model> | Model => {
      const found = provider.getModel(name);
      return found instanceof Promise ? found.then((model) => record(model, name)) : record(found, name);
    };
    return new Proxy(provider, {
      get(target, key) {
        if (key === 'getModel') return getModel;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' && key !== 'constructor' ? (value.bind(target) as unknown) : value;
      },
    });
  });
}
