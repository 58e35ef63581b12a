import type { Recorder } from '../../../core/record/recording.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import { modelCallsOf } from './model-calls.ts';
import type { RecordModelOptions } from './options.ts';
import { recordLanguageCall } from './record-model.ts';

/** What `wrapLanguageModel` hands to a middleware around a call. */
export interface MiddlewareCall {
  readonly doGenerate: () => PromiseLike<unknown>;
  readonly doStream: () => PromiseLike<unknown>;
  readonly params: unknown;
  readonly model: unknown;
}

type Given<C extends MiddlewareCall, K extends 'doGenerate' | 'doStream'> = Promise<Awaited<ReturnType<C[K]>>>;

/** A middleware for `wrapLanguageModel` of the AI SDK, versions 5, 6 and 7. */
export interface TachographMiddleware {
  /** No version reads it, and each asks for another literal: this type is all of them. */
  readonly specificationVersion: never;
  wrapGenerate<C extends MiddlewareCall>(call: C): Given<C, 'doGenerate'>;
  wrapStream<C extends MiddlewareCall>(call: C): Given<C, 'doStream'>;
}

function nameOf(model: unknown): { provider: string | undefined; modelId: string | undefined } {
  const fields: Fields = toFields(model) ?? {};
  return { provider: toText(fields['provider']), modelId: toText(fields['modelId']) };
}

/** Records every call of the model that it is wrapped around, as `recordModel` does. */
export function tachographMiddleware(recorder: Recorder, options: RecordModelOptions = {}): TachographMiddleware {
  const of = { recorder, options };
  modelCallsOf(recorder).listen(options.onError);
  const around = async (operation: 'generate' | 'stream', call: MiddlewareCall): Promise<unknown> => {
    const execute = operation === 'generate' ? call.doGenerate : call.doStream;
    if (!recorder.recording) return execute();
    return recordLanguageCall(
      { operation, model: nameOf(call.model), params: toFields(call.params) ?? {} },
      execute,
      of,
    );
  };
  return {
    specificationVersion: 'v4' as never,
    wrapGenerate: (call) => around('generate', call) as never,
    wrapStream: (call) => around('stream', call) as never,
  };
}
