import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import { createGathered, toAnswer } from './answer-fold.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { lessOf, sumOf } from './counts.ts';
import type { PartList } from './part-list.ts';
import { addItem } from './openai-items.ts';
import { partSchema, toOptions } from './request/options.ts';
import { readRequest, toSpoken, withSystem } from './request/parsed-request.ts';
import { partMarks } from './request/request-text.ts';

function responseUsage(raw: Fields): Usage {
  const asked = toFields(raw['input_tokens_details']);
  const input = toCount(raw['input_tokens']);
  const output = toCount(raw['output_tokens']);
  const cacheRead = toCount(asked?.['cached_tokens']);
  const cacheWrite = toCount(asked?.['cache_write_tokens']);
  const reasoning = toCount(toFields(raw['output_tokens_details'])?.['reasoning_tokens']);
  return toUsage(
    { total: input, noCache: lessOf(input, sumOf(cacheRead, cacheWrite)), cacheRead, cacheWrite },
    { total: output, reasoning, text: lessOf(output, reasoning) },
  );
}

/** One output item as far as it came: the item as announced, and the words streamed for it since. */
interface OpenItem {
  item: Fields;
  isDone: boolean;
  readonly text: string[];
  readonly reasoning: string[];
  readonly input: string[];
}

function addOpenItem(parts: PartList, open: OpenItem, key: string): void {
  if (open.isDone) return addItem(parts, open.item, key);
  const type = toText(open.item['type']) ?? '';
  parts.reasoning(open.reasoning.join(''), key);
  parts.text(open.text.join(''), key);
  if (open.input.length > 0 || type.endsWith('_call')) {
    addItem(parts, { ...open.item, ...(open.input.length > 0 ? { arguments: open.input.join('') } : {}) }, key);
  }
}

const isEnd = (type: string): boolean => /^response\.(?:completed|incomplete|failed|cancelled)$/.test(type);

function createResponseFold(): StreamFold {
  const items = new Map<string, OpenItem>();
  let response: Fields = {};
  let isEnded = false;
  let textDeltas = 0;
  let error: Error | null = null;

  const itemOf = (event: Fields): OpenItem => {
    const key = String(event['output_index'] ?? event['item_id'] ?? 0);
    let open = items.get(key);
    if (open === undefined) {
      open = { item: {}, isDone: false, text: [], reasoning: [], input: [] };
      items.set(key, open);
    }
    return open;
  };

  const take = (whole: Fields, ended: boolean): void => {
    response = whole;
    isEnded = ended;
    if (toFields(whole['error']) !== null) error ??= toAnswerError(whole['error']);
    if (items.size > 0) return;
    toFieldsList(whole['output']).forEach((item, index) =>
      Object.assign(itemOf({ output_index: index }), { item, isDone: true }),
    );
  };

  const addDelta = (event: Fields, type: string): void => {
    const delta = toText(event['delta']);
    if (delta === null) return;
    if (type.startsWith('response.output_text') || type.startsWith('response.refusal')) {
      textDeltas += 1;
      itemOf(event).text.push(delta);
    } else if (type.startsWith('response.reasoning')) itemOf(event).reasoning.push(delta);
    else itemOf(event).input.push(delta);
  };

  return {
    push(event) {
      const type = toText(event['type']) ?? '';
      const item = toFields(event['item']);
      const whole = toFields(event['response']);
      if (type.startsWith('response.output_item.') && item !== null) {
        Object.assign(itemOf(event), { item, isDone: type.endsWith('.done') });
      } else if (type.endsWith('.delta')) addDelta(event, type);
      else if (type === 'error') error ??= toAnswerError(toFields(event['error']) ?? event);
      else if (whole !== null) take(whole, isEnd(type));
    },
    get hasOutput() {
      return items.size > 0;
    },
    get isFinished() {
      return isEnded;
    },
    answer() {
      const gathered = createGathered();
      for (const [key, open] of items) addOpenItem(gathered.parts, open, key);
      const word = toText(toFields(response['incomplete_details'])?.['reason']) ?? toText(response['status']);
      const found = {
        ...gathered,
        model: toText(response['model']),
        responseId: toText(response['id']),
        endWord: isEnded ? word : null,
        usageRaw: toFields(response['usage']),
        error,
      };
      const answer = toAnswer(found, { usageOf: responseUsage, isToolStopBare: true });
      return { ...answer, isFinished: isEnded, textDeltas: Math.max(textDeltas, answer.textDeltas) };
    },
  };
}

const conversationKeys = new Set(['input', 'instructions', 'tools', 'model', 'stream', 'text', 'previous_response_id']);

const parseRequest = (text: string): ParsedRequest | null =>
  readRequest(text, conversationKeys, (body, others) => {
    const { format, ...textOptions } = toFields(body.value('text')) ?? {};
    const schema = partSchema(format);
    return {
      ...partMarks(withSystem(body, 'instructions', toSpoken(body, 'input', 'input'))),
      options: { ...toOptions([...Object.entries(textOptions), ...others]), ...schema.options },
      request: schema.request,
      continues: toText(body.value('previous_response_id')),
    };
  });

/** OpenAI responses and what is compatible with them. */
export const openaiResponses: WireFormat = {
  name: 'openai-responses',
  isRequest: (path, keys) =>
    path.endsWith('/responses') && (keys.has('input') || keys.has('previous_response_id') || keys.has('prompt')),
  isResponse: (body) => body['object'] === 'response' || (toText(body['type']) ?? '').startsWith('response.'),
  parseRequest,
  foldResponse: (body) =>
    foldOnce(createResponseFold(), { type: `response.${toText(body['status']) ?? 'completed'}`, response: body }),
  foldStream: createResponseFold,
};
