import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { Turn } from './scripted-model.ts';
import { createScriptedModel } from './scripted-model.ts';

/** The scripted usage as version 2 of the provider interface reports it. */
export const flatUsage = {
  inputTokens: 10,
  outputTokens: 5,
  totalTokens: 15,
  reasoningTokens: 1,
  cachedInputTokens: 3,
};

function toOlderPart(part: LanguageModelV4StreamPart): unknown {
  if (part.type !== 'finish') return part;
  return { ...part, finishReason: part.finishReason.unified, usage: flatUsage };
}

/** What a scripted model of an earlier version shows: enough for that version's SDK. */
export interface OlderModel<V extends string> {
  readonly specificationVersion: V;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: Record<string, RegExp[]>;
  readonly calls: readonly LanguageModelV4CallOptions[];
  doGenerate(options: unknown): Promise<never>;
  doStream(options: unknown): Promise<never>;
}

/** A scripted model as version 5 of the SDK knows models (`v2`: flat usage, finish reason as a word) or version 6 (`v3`). */
export function createOlderModel<V extends 'v2' | 'v3'>(version: V, turns: readonly Turn[]): OlderModel<V> {
  const model = createScriptedModel(turns);
  return {
    specificationVersion: version,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: {},
    calls: model.calls,
    async doGenerate(options) {
      const result = await model.doGenerate(options as LanguageModelV4CallOptions);
      if (version === 'v3') return result as never;
      return { ...result, finishReason: result.finishReason.unified, usage: flatUsage } as never;
    },
    async doStream(options) {
      const result = await model.doStream(options as LanguageModelV4CallOptions);
      if (version === 'v3') return result as never;
      const transform = new TransformStream<LanguageModelV4StreamPart, unknown>({
        transform: (part, controller) => controller.enqueue(toOlderPart(part)),
      });
      return { ...result, stream: result.stream.pipeThrough(transform) } as never;
    },
  };
}
