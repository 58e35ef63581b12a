import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import { createGathered, toFold } from './answer-fold.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { lessOf, sumOf } from './counts.ts';
import type { PartList } from './part-list.ts';
import { readRequest, toSpoken, withSystem } from './request/parsed-request.ts';
import { partMarks } from './request/request-text.ts';

const conversationKeys = new Set(['messages', 'system', 'tools', 'model', 'stream']);

/**
 * Tokens of the call. What was read from and written to the cache is counted beside the input, not in it. The top level
 * sums the rounds of the model that answered, and those of its fallback alone where one answered; rounds of compaction
 * stand beside it and belong to the call; an adviser's are another model's.
 */
function messageUsage(raw: Fields): Usage {
  const beside = toFieldsList(raw['iterations']).filter((round) => round['type'] === 'compaction');
  const all = (read: (from: Fields) => unknown): number | null => {
    const told = toCount(read(raw));
    return told === null ? null : sumOf(told, ...beside.map((round) => toCount(read(round))));
  };
  const lifetime = (name: string): number | null => all((from) => toFields(from['cache_creation'])?.[name]);
  const input = all((from) => from['input_tokens']);
  const output = all((from) => from['output_tokens']);
  const cacheRead = all((from) => from['cache_read_input_tokens']);
  const cacheWrite = all((from) => from['cache_creation_input_tokens']);
  const reasoning = all((from) => toFields(from['output_tokens_details'])?.['thinking_tokens']);
  return toUsage(
    {
      total: input === null ? null : sumOf(input, cacheRead, cacheWrite),
      noCache: input,
      cacheRead,
      cacheWrite,
      cacheWriteFiveMinutes: lifetime('ephemeral_5m_input_tokens'),
      cacheWriteOneHour: lifetime('ephemeral_1h_input_tokens'),
    },
    { total: output, reasoning, text: lessOf(output, reasoning) },
  );
}

function addBlock(parts: PartList, block: Fields, key: string): void {
  const type = toText(block['type']) ?? '';
  if (type === 'text') return parts.text(toText(block['text']) ?? '', key);
  if (type === 'thinking') return parts.reasoning(toText(block['thinking']) ?? '', key);
  if (type.endsWith('tool_use')) {
    const isProviders = type !== 'tool_use';
    return parts.tool(key, {
      id: toText(block['id']),
      name: toText(block['name']),
      input: block['input'],
      isProviders,
    });
  }
  if (type.endsWith('tool_result')) {
    return parts.put({
      type: 'tool-result',
      toolCallId: block['tool_use_id'] ?? null,
      toolName: type,
      result: block['content'] ?? null,
      providerExecuted: true,
    });
  }
  parts.put(block);
}

function addDelta(parts: PartList, delta: Fields, key: string): void {
  const text = toText(delta['text']) ?? toText(delta['content']);
  if (delta['type'] === 'thinking_delta') parts.reasoning(toText(delta['thinking']) ?? '', key);
  else if (delta['type'] === 'input_json_delta') {
    const piece = toText(delta['partial_json']) ?? '';
    if (piece !== '') parts.toolInput(key, piece);
  } else if (text !== null) parts.text(text, key);
}

function createMessageFold(): StreamFold {
  const gathered = createGathered();
  const { parts } = gathered;

  const take = (whole: Fields): void => {
    gathered.model = toText(whole['model']);
    gathered.responseId = toText(whole['id']);
    gathered.usageRaw = toFields(whole['usage']) ?? gathered.usageRaw;
    gathered.endWord = toText(whole['stop_reason']) ?? gathered.endWord;
    toFieldsList(whole['content']).forEach((block, index) => addBlock(parts, block, `whole:${index}`));
  };

  return toFold(gathered, { usageOf: messageUsage }, (event) => {
    const key = String(toCount(event['index']) ?? 0);
    switch (event['type']) {
      case 'message':
        return take(event);
      case 'message_start':
        return take(toFields(event['message']) ?? {});
      case 'content_block_start':
        return addBlock(parts, toFields(event['content_block']) ?? {}, key);
      case 'content_block_delta':
        return addDelta(parts, toFields(event['delta']) ?? {}, key);
      case 'message_delta': {
        gathered.endWord = toText(toFields(event['delta'])?.['stop_reason']) ?? gathered.endWord;
        const later = Object.entries(toFields(event['usage']) ?? {}).filter(([, value]) => value !== null);
        if (later.length > 0) gathered.usageRaw = { ...gathered.usageRaw, ...Object.fromEntries(later) };
        return;
      }
      case 'error':
        gathered.error ??= toAnswerError(event['error']);
    }
  });
}

const parseRequest = (text: string): ParsedRequest | null =>
  readRequest(text, conversationKeys, (body) =>
    partMarks(withSystem(body, 'system', toSpoken(body, 'messages', null))),
  );

/** Anthropic messages, as the provider itself and the clouds that resell it speak them. */
export const anthropicMessages: WireFormat = {
  name: 'anthropic-messages',
  isRequest: (path, keys) => keys.has('messages') && (path.endsWith('/messages') || keys.has('anthropic_version')),
  isResponse(body) {
    const type = toText(body['type']) ?? '';
    if (type === 'message') return Array.isArray(body['content']);
    return /^(?:message_(?:start|delta|stop)|content_block_(?:start|delta|stop))$/.test(type);
  },
  parseRequest,
  foldResponse: (body) => foldOnce(createMessageFold(), { type: 'message', ...body }),
  foldStream: createMessageFold,
};
