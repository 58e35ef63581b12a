import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { streamOf } from './streams.ts';

/** One turn of a scripted model: content parts, stream parts, something thrown, or a function of the call's options. */
export type Turn =
  | {
      readonly content: LanguageModelV4GenerateResult['content'];
      readonly finish?: LanguageModelV4GenerateResult['finishReason']['unified'];
    }
  | { readonly parts: readonly LanguageModelV4StreamPart[] }
  | { readonly stream: ReadableStream<LanguageModelV4StreamPart> }
  | { readonly error: unknown }
  | ((options: LanguageModelV4CallOptions) => Turn | Promise<Turn>);

/** A language model that answers what it was told to, and keeps what it was asked. */
export interface ScriptedModel extends LanguageModelV4 {
  readonly calls: readonly LanguageModelV4CallOptions[];
}

/** Usage of every scripted answer. */
export const scriptedUsage = {
  inputTokens: { total: 10, noCache: 7, cacheRead: 3, cacheWrite: undefined },
  outputTokens: { total: 5, text: 4, reasoning: 1 },
  raw: { prompt: 10 },
};

/** An answer in words. */
export const say = (text: string): Turn => ({ content: [{ type: 'text', text }] });

/** An answer that asks for tools. */
export const ask = (...calls: readonly { id: string; tool: string; input?: unknown }[]): Turn => ({
  content: calls.map(({ id, tool, input }) => ({
    type: 'tool-call',
    toolCallId: id,
    toolName: tool,
    input: JSON.stringify(input ?? {}),
  })),
  finish: 'tool-calls',
});

function toParts(turn: Extract<Turn, { content: unknown }>): LanguageModelV4StreamPart[] {
  const parts: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings: [] }];
  parts.push({ type: 'response-metadata', id: 'resp-1', modelId: 'scripted-1-served', timestamp: new Date(0) });
  for (const part of turn.content) {
    if (part.type === 'text') {
      const [first = '', ...rest] = part.text.split(/(?<= )/);
      parts.push({ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: first });
      parts.push(...rest.map((delta) => ({ type: 'text-delta' as const, id: '0', delta })), {
        type: 'text-end',
        id: '0',
      });
    } else if (part.type === 'tool-call') {
      parts.push({ type: 'tool-input-start', id: part.toolCallId, toolName: part.toolName });
      parts.push(
        { type: 'tool-input-delta', id: part.toolCallId, delta: part.input },
        { type: 'tool-input-end', id: part.toolCallId },
        part,
      );
    }
  }
  parts.push({ type: 'finish', finishReason: { unified: turn.finish ?? 'stop', raw: 'done' }, usage: scriptedUsage });
  return parts;
}

/** A model that takes the turns one after the other and repeats the last. */
export function createScriptedModel(turns: readonly Turn[]): ScriptedModel {
  const calls: LanguageModelV4CallOptions[] = [];
  const next = async (options: LanguageModelV4CallOptions): Promise<Exclude<Turn, (...args: never[]) => unknown>> => {
    calls.push(options);
    let turn = turns[Math.min(calls.length, turns.length) - 1]!;
    while (typeof turn === 'function') turn = await turn(options);
    if ('error' in turn) throw turn.error;
    return turn;
  };
  return {
    specificationVersion: 'v4',
    provider: 'scripted.chat',
    modelId: 'scripted-1',
    supportedUrls: {},
    calls,
    async doGenerate(options) {
      const turn = await next(options);
      if (!('content' in turn)) throw new Error('the script has no whole answer here');
      return {
        content: turn.content,
        finishReason: { unified: turn.finish ?? 'stop', raw: 'done' },
        usage: scriptedUsage,
        warnings: [],
        request: { body: { asked: true } },
        response: {
          id: 'resp-1',
          modelId: 'scripted-1-served',
          timestamp: new Date(0),
          headers: { 'x-request-id': 'req-1' },
          body: { answered: true },
        },
      };
    },
    async doStream(options) {
      const turn = await next(options);
      if ('stream' in turn) return { stream: turn.stream };
      const parts = 'parts' in turn ? turn.parts : toParts(turn as Extract<Turn, { content: unknown }>);
      return { stream: streamOf(parts), response: { headers: { 'x-request-id': 'req-1' } } };
    },
  };
}
