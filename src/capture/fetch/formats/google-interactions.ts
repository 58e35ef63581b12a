import type { Usage } from '../../../core/model/usage.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { toAnswerError } from './format.ts';
import { lessOf, sumOf, toFinishReason, toUsage } from './counts.ts';
import type { PartList } from './part-list.ts';
import { createPartList } from './part-list.ts';
import { openRequest, toMessageText, toOptions, toTools, wrapMessage } from './request-text.ts';

/** Thoughts are counted beside the output. */
function interactionUsage(raw: Fields | null): Usage | null {
  if (raw === null) return null;
  const input = toCount(raw['total_input_tokens']);
  const text = toCount(raw['total_output_tokens']);
  const reasoning = toCount(raw['total_thought_tokens']);
  const cacheRead = toCount(raw['total_cached_tokens']);
  return toUsage(
    { total: input, noCache: lessOf(input, cacheRead), cacheRead },
    { total: sumOf(text, reasoning), text, reasoning },
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
  const parts = createPartList();
  let interaction: Fields = {};
  let usageRaw: Fields | null = null;
  let error: Error | null = null;

  const status = (): string | null => {
    const word = toText(interaction['status']);
    return word !== null && endStatuses.has(word) ? word : null;
  };

  const take = (whole: Fields): void => {
    interaction = { ...interaction, ...whole };
    usageRaw = toFields(whole['usage']) ?? usageRaw;
    if (toFields(whole['error']) !== null) error ??= toAnswerError(whole['error']);
    if (parts.length === 0) toFieldsList(whole['steps']).forEach((step, index) => addStep(parts, step, String(index)));
  };

  return {
    push(event) {
      const type = toText(event['event_type']);
      const key = String(toCount(event['index']) ?? 0);
      if (type === null || type.startsWith('interaction.'))
        take(toFields(event['interaction']) ?? (type === null ? event : {}));
      else if (type === 'step.start') addStep(parts, toFields(event['step']) ?? {}, key);
      else if (type === 'step.delta') addDelta(parts, toFields(event['delta']) ?? {}, key);
      else if (type === 'error') error ??= toAnswerError(event['error']);
    },
    get hasOutput() {
      return parts.length > 0;
    },
    get isFinished() {
      return status() !== null;
    },
    answer() {
      const raw = status();
      return {
        parts: parts.list(),
        model: toText(interaction['model']),
        responseId: toText(interaction['id']),
        usage: interactionUsage(usageRaw),
        usageRaw: usageRaw ?? undefined,
        cost: null,
        finishReason: raw === null ? null : toFinishReason(raw),
        isFinished: raw !== null,
        error,
        textDeltas: parts.textDeltas,
      };
    },
  };
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

function parseRequest(text: string): ParsedRequest | null {
  const body = openRequest(text);
  if (body === null) return null;
  const system = body.raw('system_instruction');
  const input = body.raw('input');
  const spoken =
    body.elements('input')?.map((item) => toMessageText(item)) ??
    (input === null ? [] : [wrapMessage('user', 'content', input)]);
  const others = [...body.keys].filter((key) => !conversationKeys.has(key));
  const settings = Object.entries(toFields(body.value('generation_config')) ?? {});
  return {
    operation: body.value('stream') === true ? 'stream' : 'generate',
    model: toText(body.value('model')),
    messages: system === null ? spoken : [wrapMessage('system', 'content', system), ...spoken],
    marks: [],
    tools: toTools(body),
    options: toOptions([...settings, ...others.map((key): [string, unknown] => [key, body.value(key)])]),
    request: undefined,
    continues: toText(body.value('previous_interaction_id')),
  };
}

/** Google's interactions. */
export const googleInteractions: WireFormat = {
  name: 'google-interactions',
  isRequest: (path, keys) => path.endsWith('/interactions') && keys.has('input'),
  isResponse: (body) =>
    body['object'] === 'interaction' || /^(?:interaction|step)\./.test(toText(body['event_type']) ?? ''),
  parseRequest,
  foldResponse(body) {
    const fold = createInteractionFold();
    fold.push(body);
    return fold.answer();
  },
  foldStream: createInteractionFold,
};
