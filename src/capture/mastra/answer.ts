import { createChunkMeter } from '../../core/model/chunk-timing.ts';
import type { StreamSummary } from '../../core/model/step.ts';
import type { Fields } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

type Part = Record<string, unknown>;

/** What the chunks of one model call amount to. It reads no clock. */
export interface Answer {
  /** `atMs` on the monotonic clock. */
  add(type: string, payload: Fields, atMs: number): void;
  /** Parts in order; a tool input that was cut short is marked `incomplete`. */
  parts(): readonly Part[];
  /** Results of tools that the program ran, in the form in which the model is told them. */
  results(): readonly Part[];
  summary(finishReason: string | null): StreamSummary;
  /** First error chunk, boxed since anything may be thrown. */
  readonly error: { readonly error: unknown } | null;
  readonly responseId: string | undefined;
  readonly modelId: string | undefined;
  /** When the first words came, and the last chunk that the model itself made; `null` before. */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

const wholeParts = new Set(['source', 'file']);

const resultToOutput = (result: unknown): Part =>
  typeof result === 'string' ? { type: 'text', value: result } : { type: 'json', value: result ?? null };

const messageOf = (error: unknown): string =>
  toText(toFields(error)?.['message']) ?? (error instanceof Error ? error.message : String(error));

/** An answer of which nothing has come. */
export function createAnswer(): Answer {
  const parts: Part[] = [];
  const results: Part[] = [];
  const callById = new Map<unknown, Part>();
  const meter = createChunkMeter();
  const counts = { parts: 0, textDeltas: 0, toolCalls: 0, sources: 0, errors: 0 };
  let lastError: string | null = null;

  const addWords = (kind: 'text' | 'reasoning', words: unknown): void => {
    if (typeof words !== 'string' || words === '') return;
    const last = parts.at(-1);
    if (last?.['type'] === kind) last['text'] = `${String(last['text'])}${words}`;
    else parts.push({ type: kind, text: words });
  };
  const callOf = (payload: Fields): Part => {
    const id = payload['toolCallId'];
    let call = callById.get(id);
    if (call === undefined) {
      call = { type: 'tool-call', toolCallId: id, toolName: payload['toolName'] ?? '', input: '', incomplete: true };
      callById.set(id, call);
      parts.push(call);
    }
    return call;
  };
  const addCall = (payload: Fields): void => {
    const call = callOf(payload);
    delete call['incomplete'];
    Object.assign(call, { toolName: payload['toolName'], input: payload['args'] });
    if (payload['providerExecuted'] === true) call['providerExecuted'] = true;
    counts.toolCalls += 1;
  };
  const addResult = (payload: Fields): void => {
    const { toolCallId, toolName, args, result } = payload;
    if (payload['providerExecuted'] === true) {
      parts.push({ type: 'tool-result', toolCallId, toolName, result });
      return;
    }
    const told = toFields(toFields(payload['providerMetadata'])?.['mastra'])?.['modelOutput'];
    const output = told === undefined ? resultToOutput(result) : told;
    results.push({ type: 'tool-result', toolCallId, toolName, output, input: args });
  };
  const addError = (payload: Fields): void => {
    counts.errors += 1;
    lastError = messageOf(payload['error']);
    answer.error ??= { error: payload['error'] };
  };

  /** True for what the model itself said. */
  const take = (type: string, payload: Fields): boolean => {
    if (type === 'text-delta') addWords('text', payload['text']);
    else if (type === 'reasoning-delta') addWords('reasoning', payload['text']);
    else if (type === 'tool-call-input-streaming-start') callOf(payload);
    else if (type === 'tool-call-delta') {
      const call = callOf(payload);
      if (call['incomplete'] === true)
        call['input'] = `${String(call['input'])}${toText(payload['argsTextDelta']) ?? ''}`;
    } else if (type === 'tool-call') addCall(payload);
    else if (wholeParts.has(type)) {
      if (type === 'source') counts.sources += 1;
      parts.push({ type, ...payload });
    } else {
      if (type === 'tool-result') addResult(payload);
      else if (type === 'tool-error') {
        const { toolCallId, toolName, args, error } = payload;
        const output = { type: 'error-text', value: messageOf(error) };
        results.push({ type: 'tool-result', toolCallId, toolName, output, input: args });
      } else if (type === 'error') addError(payload);
      else if (type === 'response-metadata') {
        answer.responseId = toText(payload['id']) ?? answer.responseId;
        answer.modelId = toText(payload['modelId']) ?? answer.modelId;
      }
      return type === 'text-start' || type === 'text-end' || type.startsWith('reasoning-');
    }
    return true;
  };

  const answer: { -readonly [K in keyof Answer]: Answer[K] } = {
    error: null,
    responseId: undefined,
    modelId: undefined,
    firstMs: null,
    lastMs: null,
    add(type, payload, atMs) {
      counts.parts += 1;
      if (type === 'text-delta') counts.textDeltas += 1;
      if (!take(type, payload)) return;
      answer.lastMs = atMs;
      if (!type.endsWith('-delta') && type !== 'tool-call') return;
      answer.firstMs ??= atMs;
      meter.tick(atMs);
    },
    parts: () => parts,
    results: () => results,
    summary: (finishReason) => ({ finishReason, ...counts, warnings: 0, lastError, chunkTiming: meter.timing() }),
  };
  return answer;
}
