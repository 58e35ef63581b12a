import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import { createGathered, toFold } from './answer-fold.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { firstCount, lessOf, sumOf } from './counts.ts';
import type { PartList } from './part-list.ts';
import { partSchema, toOptions } from './request/options.ts';
import { readRequest, toSpoken } from './request/parsed-request.ts';
import { partMarks, toTools } from './request/request-text.ts';

const conversationKeys = new Set([
  'messages',
  'prompt',
  'tools',
  'functions',
  'model',
  'response_format',
  'stream',
  'stream_options',
]);

/**
 * Tokens as chat completions count them: the cache inside the prompt, sound and pictures inside the completion. Most
 * providers count reasoning inside the completion; xAI counts it beside, which its total gives away.
 */
function chatUsage(raw: Fields): Usage {
  const asked = toFields(raw['prompt_tokens_details']);
  const answered = toFields(raw['completion_tokens_details']);
  const lifetimes = toFields(asked?.['cache_creation']);
  const prompt = toCount(raw['prompt_tokens']);
  const completion = toCount(raw['completion_tokens']);
  const reasoning = toCount(answered?.['reasoning_tokens']);
  // DeepSeek, Moonshot and Mistral name the part that the cache gave in words of their own.
  const cacheRead = firstCount(
    asked?.['cached_tokens'],
    raw['prompt_cache_hit_tokens'],
    raw['cached_tokens'],
    raw['num_cached_tokens'],
  );
  const cacheWrite = firstCount(asked?.['cache_write_tokens'], asked?.['cache_creation_input_tokens']);
  const isBeside =
    reasoning !== null && reasoning > 0 && sumOf(prompt, completion, reasoning) === toCount(raw['total_tokens']);
  const output = isBeside ? sumOf(completion, reasoning) : completion;
  const others = sumOf(reasoning, toCount(answered?.['audio_tokens']), toCount(answered?.['image_tokens']));
  return toUsage(
    {
      total: prompt,
      noCache: lessOf(prompt, sumOf(cacheRead, cacheWrite)),
      cacheRead,
      cacheWrite,
      cacheWriteFiveMinutes: toCount(lifetimes?.['ephemeral_5m_input_tokens']),
      cacheWriteOneHour: toCount(lifetimes?.['ephemeral_1h_input_tokens']),
    },
    { total: output, reasoning, text: lessOf(output, others) },
  );
}

/** Content is text, or a list of typed pieces where a provider thinks aloud in it. */
function addContent(parts: PartList, content: unknown, at: string): void {
  if (typeof content === 'string') return parts.text(content, at);
  for (const piece of toFieldsList(content)) {
    if (piece['type'] === 'thinking') {
      const thought = piece['thinking'];
      if (typeof thought === 'string') parts.reasoning(thought, at);
      else for (const inner of toFieldsList(thought)) parts.reasoning(toText(inner['text']) ?? '', at);
    } else {
      parts.text(toText(piece['text']) ?? '', at);
    }
  }
}

function addCalls(parts: PartList, calls: unknown, choice: string, isDelta: boolean): void {
  toFieldsList(calls).forEach((call, position) => {
    const fn = toFields(call['function']) ?? toFields(call['custom']) ?? {};
    const key = `${choice}:${toCount(call['index']) ?? (isDelta ? (toText(call['id']) ?? position) : position)}`;
    parts.tool(key, { id: toText(call['id']), name: toText(fn['name']) });
    const input = fn['arguments'] ?? fn['input'];
    if (typeof input === 'string') parts.toolInput(key, input);
    else if (input !== undefined && input !== null) parts.tool(key, { input });
  });
}

function addSources(parts: PartList, annotations: unknown): void {
  for (const annotation of toFieldsList(annotations)) {
    const citation = toFields(annotation['url_citation']);
    if (citation !== null)
      parts.put({ type: 'source', sourceType: 'url', url: citation['url'] ?? null, title: citation['title'] ?? null });
  }
}

function addMessage(parts: PartList, message: Fields, choice: string, isDelta: boolean): void {
  parts.reasoning(toText(message['reasoning_content']) ?? toText(message['reasoning']) ?? '', choice);
  addContent(parts, message['content'], choice);
  parts.text(toText(message['refusal']) ?? '', choice);
  addCalls(parts, message['tool_calls'], choice, isDelta);
  if (toFields(message['function_call']) !== null)
    addCalls(parts, [{ index: 0, function: message['function_call'] }], choice, isDelta);
  addSources(parts, message['annotations']);
}

function createChatFold(): StreamFold {
  const gathered = createGathered();
  const { parts } = gathered;
  return toFold(gathered, { usageOf: chatUsage, isToolStopBare: true }, (event) => {
    if (event['error'] !== undefined && event['error'] !== null) gathered.error ??= toAnswerError(event['error']);
    // Azure's first event names no model and no id but empty ones.
    gathered.model = toText(event['model']) || gathered.model;
    gathered.responseId = toText(event['id']) || gathered.responseId;
    const usage = toFields(event['usage']) ?? toFields(toFields(event['x_groq'])?.['usage']);
    if (usage !== null) gathered.usageRaw = usage;
    for (const choice of toFieldsList(event['choices'])) {
      const index = toCount(choice['index']) ?? 0;
      const delta = toFields(choice['delta']);
      const message = delta ?? toFields(choice['message']);
      if (message !== null) addMessage(parts, message, String(index), delta !== null);
      parts.text(toText(choice['text']) ?? '', String(index));
      if (index === 0) gathered.endWord = toText(choice['finish_reason']) ?? gathered.endWord;
    }
  });
}

const parseRequest = (text: string): ParsedRequest | null =>
  readRequest(text, conversationKeys, (body, others) => {
    const format = partSchema(body.value('response_format'));
    return {
      ...partMarks(toSpoken(body, 'messages', 'prompt')),
      tools: toTools(body) ?? toTools(body, 'functions'),
      options: { ...toOptions(others), ...format.options },
      request: format.request,
    };
  });

/** OpenAI chat completions and everything compatible with them, the older text completions included. */
export const openaiChat: WireFormat = {
  name: 'openai-chat',
  isRequest: (path, keys) => /\/(?:chat\/)?completions$/.test(path) && (keys.has('messages') || keys.has('prompt')),
  isResponse(body) {
    const object = toText(body['object']) ?? '';
    return object.startsWith('chat.completion') || object === 'text_completion' || Array.isArray(body['choices']);
  },
  parseRequest,
  foldResponse: (body) => foldOnce(createChatFold(), body),
  foldStream: createChatFold,
};
