import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import { createGathered, toFold } from './answer-fold.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { lessOf, otherThanText, sumOf } from './counts.ts';
import type { PartList } from './part-list.ts';
import { toOptions } from './request/options.ts';
import { readRequest, toSpoken, withSystem } from './request/parsed-request.ts';

/** Thoughts are counted beside the output, what tools brought in beside the input, cached tokens inside it. */
function interactionUsage(raw: Fields): Usage {
  const asked = toCount(raw['total_input_tokens']);
  const input = asked === null ? null : sumOf(asked, toCount(raw['total_tool_use_tokens']));
  const text = toCount(raw['total_output_tokens']);
  const reasoning = toCount(raw['total_thought_tokens']);
  const cacheRead = toCount(raw['total_cached_tokens']);
  return toUsage(
    { total: input, noCache: lessOf(input, cacheRead), cacheRead },
    { total: sumOf(text, reasoning), text: lessOf(text, otherThanText(raw['output_tokens_by_modality'])), reasoning },
  );
}

function addContent(parts: PartList, content: Fields, key: string): void {
  const text = toText(content['text']);
  if (text !== null) parts.text(text, key);
  else if (content['data'] !== undefined)
    parts.put({ type: 'file', mediaType: content['mime_type'] ?? null, data: content['data'] });
  for (const note of toFieldsList(content['annotations'])) {
    parts.put({
      type: 'source',
      sourceType: 'url',
      url: note['url'] ?? note['source'] ?? null,
      title: note['title'] ?? null,
    });
  }
}

function addStep(parts: PartList, step: Fields, key: string): void {
  const type = toText(step['type']) ?? '';
  if (type === 'thought')
    return void toFieldsList(step['summary']).forEach((piece) => parts.reasoning(toText(piece['text']) ?? '', key));
  if (type === 'model_output')
    return void toFieldsList(step['content']).forEach((content) => addContent(parts, content, key));
  if (type.endsWith('_call')) {
    const name = toText(step['name']) ?? type.replace(/_call$/, '');
    return parts.tool(key, {
      id: toText(step['id']),
      name,
      input: step['arguments'],
      isProviders: type !== 'function_call',
    });
  }
  if (type.endsWith('_result')) {
    return parts.put({
      type: 'tool-result',
      toolCallId: step['call_id'] ?? null,
      toolName: type.replace(/_result$/, ''),
      result: step['result'] ?? null,
      providerExecuted: true,
    });
  }
  if (type !== '') parts.put(step);
}

function addDelta(parts: PartList, delta: Fields, key: string): void {
  const type = toText(delta['type']) ?? '';
  const words = toText(delta['text']) ?? toText(toFields(delta['content'])?.['text']);
  if (type === 'arguments_delta') {
    const piece = delta['arguments'];
    if (typeof piece === 'string') parts.toolInput(key, piece);
    else if (piece !== undefined) parts.tool(key, { input: piece });
  } else if (type.startsWith('thought')) parts.reasoning(words ?? '', key);
  else if (words !== null) parts.text(words, key);
  else if (type !== '') addContent(parts, delta, key);
}

const endStatuses = new Set(['completed', 'requires_action', 'incomplete', 'failed', 'cancelled']);

function createInteractionFold(): StreamFold {
  const gathered = createGathered();
  const { parts } = gathered;
  let interaction: Fields = {};

  const take = (whole: Fields): void => {
    interaction = { ...interaction, ...whole };
    const status = toText(interaction['status']);
    gathered.model = toText(interaction['model']);
    gathered.responseId = toText(interaction['id']);
    gathered.endWord = status !== null && endStatuses.has(status) ? status : null;
    gathered.usageRaw = toFields(whole['usage']) ?? gathered.usageRaw;
    if (toFields(whole['error']) !== null) gathered.error ??= toAnswerError(whole['error']);
    if (parts.length === 0) toFieldsList(whole['steps']).forEach((step, index) => addStep(parts, step, String(index)));
  };

  return toFold(gathered, { usageOf: interactionUsage }, (event) => {
    const type = toText(event['event_type']);
    const key = String(toCount(event['index']) ?? 0);
    if (type === null || type.startsWith('interaction.'))
      take(toFields(event['interaction']) ?? (type === null ? event : {}));
    else if (type === 'step.start') addStep(parts, toFields(event['step']) ?? {}, key);
    else if (type === 'step.delta') addDelta(parts, toFields(event['delta']) ?? {}, key);
    else if (type === 'error') gathered.error ??= toAnswerError(event['error']);
  });
}

const conversationKeys = new Set([
  'input',
  'system_instruction',
  'tools',
  'model',
  'stream',
  'generation_config',
  'previous_interaction_id',
]);

const parseRequest = (text: string): ParsedRequest | null =>
  readRequest(text, conversationKeys, (body, others) => ({
    messages: withSystem(body, 'system_instruction', toSpoken(body, 'input', 'input')),
    options: toOptions([...Object.entries(toFields(body.value('generation_config')) ?? {}), ...others]),
    continues: toText(body.value('previous_interaction_id')),
  }));

/** Google's interactions. */
export const googleInteractions: WireFormat = {
  name: 'google-interactions',
  isRequest: (path, keys) => path.endsWith('/interactions') && keys.has('input'),
  isResponse: (body) =>
    body['object'] === 'interaction' || /^(?:interaction|step)\./.test(toText(body['event_type']) ?? ''),
  parseRequest,
  foldResponse: (body) => foldOnce(createInteractionFold(), body),
  foldStream: createInteractionFold,
};
