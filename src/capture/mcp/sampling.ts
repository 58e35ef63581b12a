import type { StepFinish, StepStart } from '../../core/record/recording.ts';
import type { Fields } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** Reasons to stop, from the protocol's words to ours. */
const unifiedByReason = new Map([
  ['endTurn', 'stop'],
  ['stopSequence', 'stop'],
  ['maxTokens', 'length'],
  ['toolUse', 'tool-calls'],
]);

function hintOf(params: Fields): string | null {
  const hints = toFields(params['modelPreferences'])?.['hints'];
  return Array.isArray(hints) ? toText(toFields(hints[0])?.['name']) : null;
}

/** What a request for a model's answer begins as. The model asked for is a hint; the one that served comes with the answer. */
export function samplingToStart(params: Fields): StepStart {
  const { messages, systemPrompt, tools, _meta, ...options } = params;
  const system = toText(systemPrompt);
  const asked = Array.isArray(messages) ? (messages as unknown[]) : [];
  const model = hintOf(params);
  return {
    kind: 'model',
    operation: 'generate',
    name: 'sampling/createMessage',
    messages: system === null ? asked : [{ role: 'system', content: system }, ...asked],
    options,
    ...(model === null ? {} : { model }),
    ...(Array.isArray(tools) ? { tools: tools as unknown[] } : {}),
  };
}

/** What a model's answer over the protocol ends a step with. It reports no usage, so there is none (I12). */
export function samplingToFinish(result: unknown): StepFinish {
  const fields = toFields(result) ?? {};
  const { content } = fields;
  const model = toText(fields['model']);
  const raw = toText(fields['stopReason']);
  return {
    status: 'completed',
    response: Array.isArray(content) ? content : [content],
    usage: null,
    ...(model === null ? {} : { model }),
    ...(raw === null ? {} : { finishReason: { unified: unifiedByReason.get(raw) ?? 'other', raw } }),
  };
}
