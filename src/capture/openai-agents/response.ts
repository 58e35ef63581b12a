import type { FinishReason } from '../../core/model/step.ts';
import type { Usage } from '../../core/model/usage.ts';
import { toUsage } from '../../core/model/usage.ts';
import type { StepFinish } from '../../core/record/recording.ts';
import { lessOf, sumOf, toFinishReason } from '../fetch/formats/counts.ts';
import { toCount } from '../fetch/formats/fields.ts';
import type { Fields, ModelResponse } from './vendor.ts';
import { parseStructure, toFields, toFieldsList, toText } from './vendor.ts';

/** A call of a tool that an answer asks for. */
export interface AskedCall {
  readonly name: string;
  readonly callId: string | null;
  /** As the model wrote them: JSON text. */
  readonly args: string;
}

const wordsOf = (pieces: unknown): string =>
  toFieldsList(pieces)
    .map((piece) => toText(piece['text']) ?? '')
    .join('\n');

function messageParts(item: Fields): readonly unknown[] {
  return toFieldsList(item['content']).map((piece) => {
    const text = toText(piece['text']) ?? toText(piece['refusal']);
    return text === null ? piece : { type: 'text', text };
  });
}

const callIdOf = (item: Fields): string | null =>
  toText(item['callId']) ?? toText(item['call_id']) ?? toText(item['id']);

function itemParts(item: Fields): readonly unknown[] {
  switch (item['type']) {
    case undefined:
    case 'message':
      return messageParts(item);
    case 'reasoning': {
      const text = wordsOf(item['rawContent']) || wordsOf(item['content']) || wordsOf(item['summary']);
      return [{ type: 'reasoning', text }];
    }
    case 'function_call': {
      const input = typeof item['arguments'] === 'string' ? parseStructure(item['arguments']) : item['arguments'];
      return [{ type: 'tool-call', toolCallId: callIdOf(item), toolName: item['name'], input }];
    }
    default:
      return [item];
  }
}

/** The parts of an answer, from the SDK's items or from those of the responses API. */
export function outputToParts(output: unknown): readonly unknown[] {
  return toFieldsList(output).flatMap(itemParts);
}

/** The tools that an answer asks its caller for. */
export function outputToCalls(output: unknown): readonly AskedCall[] {
  return toFieldsList(output)
    .filter((item) => item['type'] === 'function_call')
    .map((item) => ({
      name: toText(item['name']) ?? '',
      callId: callIdOf(item),
      args: toText(item['arguments']) ?? '',
    }));
}

/** The words of an answer's messages. */
export function outputToWords(output: unknown): string {
  return outputToParts(output)
    .map(toFields)
    .map((part) => (part?.['type'] === 'text' ? (toText(part['text']) ?? '') : ''))
    .join('');
}

/** The SDK keeps a list with one entry a request, providers have one object. */
function detail(details: unknown, name: string): number | null {
  const list = Array.isArray(details) ? toFieldsList(details) : [toFields(details) ?? {}];
  return sumOf(...list.map((each) => toCount(each[name])));
}

/** Tokens in the form of the SDK, of the responses API or of chat completions. `null` where nothing was reported. */
export function parseUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  const input = usage['input_tokens'] ?? usage['prompt_tokens'] ?? usage['inputTokens'];
  const output = usage['output_tokens'] ?? usage['completion_tokens'] ?? usage['outputTokens'];
  if (typeof input !== 'number' && typeof output !== 'number') return null;
  // The SDK counts 0 where its provider reported nothing at all, and no call takes nothing in (I12).
  if (input === 0 && output === 0) return null;
  const read = usage['input_tokens_details'] ?? usage['prompt_tokens_details'] ?? usage['inputTokensDetails'];
  const written = usage['output_tokens_details'] ?? usage['completion_tokens_details'] ?? usage['outputTokensDetails'];
  const cacheRead = detail(read, 'cached_tokens');
  const cacheWrite = detail(read, 'cache_write_tokens');
  const reasoning = detail(written, 'reasoning_tokens');
  return toUsage(
    { total: input, cacheRead, cacheWrite, noCache: lessOf(toCount(input), sumOf(cacheRead, cacheWrite)) },
    { total: output, reasoning, text: lessOf(toCount(output), reasoning) },
  );
}

/** Why the model stopped, by the provider's own answer; `null` where it does not say. */
export function answerToFinishReason(answer: Fields | null, hasCalls: boolean): FinishReason | null {
  const choice = toFieldsList(answer?.['choices'])[0];
  const incomplete = toFields(answer?.['incomplete_details']);
  const raw = toText(choice?.['finish_reason']) ?? toText(incomplete?.['reason']) ?? toText(answer?.['status']);
  if (raw === null) return hasCalls ? { unified: 'tool-calls', raw: null } : null;
  return toFinishReason(raw, hasCalls);
}

/** How a step ends whose answer came whole. */
export function responseToFinish(response: ModelResponse, isWithheld: boolean): StepFinish {
  const answer = toFields(response.providerData);
  const parts = outputToParts(response.output);
  const finishReason = answerToFinishReason(answer, outputToCalls(response.output).length > 0);
  const usageRaw = response.rawUsage ?? answer?.['usage'];
  const model = toText(answer?.['model']);
  const responseId = toText(response.responseId);
  return {
    status: 'completed',
    ...(isWithheld ? { outputsWithheld: true } : { response: parts }),
    ...(model === null ? {} : { model }),
    ...(responseId === null ? {} : { providerResponseId: responseId }),
    ...(finishReason === null ? {} : { finishReason }),
    usage: parseUsage(usageRaw ?? response.usage),
    ...(usageRaw === undefined ? {} : { usageRaw }),
  };
}
