import type { FinishReason } from '../../../core/model/step.ts';
import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import type { Fields } from '../fields.ts';
import { toFields, toList, toText, toWords } from '../fields.ts';

/** A part of an answer or message that belongs to a tool call, by its id. */
const isOf = (part: Fields | null, types: readonly string[], callId: string): part is Fields =>
  part !== null && types.includes(String(part['type'])) && part['toolCallId'] === callId;

/** The parts of an answer: as the integration writes them, or gathered from a stream by the middleware. */
export function toAnswerParts(output: Fields): readonly unknown[] {
  const objectText = toText(output['objectText']);
  if (objectText !== null) return [{ type: 'text', text: objectText }];
  const isGathered = Array.isArray(output['textParts']) || Array.isArray(output['toolCalls']);
  if (!isGathered) return toList(output['content']);
  const textOf = (part: unknown): string => toText(toFields(part)?.['text']) ?? '';
  return [
    ...toList(output['reasoningParts']).map((part) => ({ type: 'reasoning', text: textOf(part) })),
    ...toList(output['textParts']).map((part) => ({ type: 'text', text: textOf(part) })),
    ...toList(output['toolCalls']),
    ...toList(output['content']),
  ];
}

/** A finish reason in either form: a word, or the word with the provider's own. */
export function toFinishReason(value: unknown): FinishReason | null {
  const word = toWords(value);
  if (word !== null) return { unified: word, raw: null };
  const unified = toWords(toFields(value)?.['unified']);
  return unified === null ? null : { unified, raw: toText(toFields(value)!['raw']) };
}

/** Usage in either form: counts with their parts, or flat counts with details. */
export function toDevtoolsUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  const input = toFields(usage['inputTokens']);
  const output = toFields(usage['outputTokens']);
  if (input !== null || output !== null) return toUsage(input ?? {}, output ?? {});
  const inputDetails = toFields(usage['inputTokenDetails']) ?? {};
  const outputDetails = toFields(usage['outputTokenDetails']) ?? {};
  return toUsage(
    {
      total: usage['inputTokens'],
      noCache: inputDetails['noCacheTokens'],
      cacheRead: inputDetails['cacheReadTokens'] ?? usage['cachedInputTokens'],
      cacheWrite: inputDetails['cacheWriteTokens'],
    },
    {
      total: usage['outputTokens'],
      text: outputDetails['textTokens'],
      reasoning: outputDetails['reasoningTokens'] ?? usage['reasoningTokens'],
    },
  );
}

/** What a tool gave back, as the next call of the model was told, or as the answer itself holds it. */
export interface ToolOutcome {
  readonly value: unknown;
  readonly isError: boolean;
}

/** The outcome of a tool call; `null` when the file does not tell it. */
export function findToolOutcome(
  callId: string,
  parts: readonly unknown[],
  nextPrompt: readonly unknown[],
): ToolOutcome | null {
  const told = nextPrompt.flatMap((message) => toList(toFields(message)?.['content']));
  for (const part of [...parts, ...told].map(toFields)) {
    if (!isOf(part, ['tool-result', 'tool-error'], callId)) continue;
    const output = part['output'] ?? part['result'] ?? part['error'];
    const typed = toFields(output);
    const isTyped = typed !== null && typeof typed['type'] === 'string' && 'value' in typed;
    const isError =
      part['type'] === 'tool-error' ||
      part['isError'] === true ||
      (isTyped && String(typed['type']).startsWith('error'));
    return { value: isTyped ? typed['value'] : output, isError };
  }
  return null;
}
