import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import { firstCount, lessOf, sumOf, toCost } from './counts.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { Answer, ParsedRequest, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { createGathered, toFold } from './answer-fold.ts';
import { readRequest } from './request/parsed-request.ts';

const namedKeys = new Set(['prompt', 'input', 'model', 'voice']);

const operationOf = (path: string): string =>
  path.endsWith('/audio/speech') ? 'speech' : /\/audio\//.test(path) ? 'transcribe' : 'image';

const parseRequest = (text: string, path: string): ParsedRequest | null =>
  readRequest(text, namedKeys, (body) => ({
    operation: operationOf(path),
    tools: null,
    request: { prompt: body.value('prompt') ?? body.value('input') ?? null },
  }));

/** Tokens of pictures and sound. Calls that are paid by the second report none. */
function mediaUsage(raw: Fields): Usage {
  const asked = toFields(raw['input_tokens_details']) ?? toFields(raw['input_token_details']);
  const answered = toFields(raw['output_tokens_details']) ?? toFields(raw['output_token_details']);
  const input = firstCount(raw['input_tokens'], raw['prompt_tokens']);
  const output = firstCount(raw['output_tokens'], raw['completion_tokens']);
  const cacheRead = toCount(asked?.['cached_tokens']);
  const others = sumOf(toCount(answered?.['image_tokens']), toCount(answered?.['audio_tokens']));
  return toUsage(
    { total: input, noCache: lessOf(input, cacheRead), cacheRead },
    { total: output, text: toCount(answered?.['text_tokens']) ?? (others === null ? null : lessOf(output, others)) },
  );
}

const isPicture = (item: Fields): boolean => toText(item['b64_json']) !== null || toText(item['url']) !== null;

/** Pictures are recorded by number and place: their bytes stand in the answer's body. */
function toParts(body: Fields): readonly Fields[] {
  const text = toText(body['text']);
  if (text !== null) return [{ type: 'text', text }];
  return toFieldsList(body['data'])
    .filter(isPicture)
    .map((item) => ({
      type: 'file',
      mediaType: `image/${toText(body['output_format']) ?? 'png'}`,
      ...(toText(item['url']) === null ? {} : { url: item['url'] }),
      ...(toText(item['revised_prompt']) === null ? {} : { revisedPrompt: item['revised_prompt'] }),
    }));
}

function createMediaFold(): ReturnType<WireFormat['foldStream']> {
  const gathered = createGathered();
  return toFold(gathered, { usageOf: mediaUsage }, (event) => {
    const type = toText(event['type']) ?? '';
    gathered.model = toText(event['model']) ?? gathered.model;
    gathered.usageRaw = toFields(event['usage']) ?? toFields(toFields(event['x_groq'])?.['usage']) ?? gathered.usageRaw;
    if (toFields(event['error']) !== null) gathered.error ??= toAnswerError(event['error']);
    if (type.endsWith('.delta')) return gathered.parts.text(toText(event['delta']) ?? '');
    const isEnd = type === '' || /\.(?:done|completed)$/.test(type);
    if (!isEnd) return;
    gathered.endWord = 'completed';
    if (gathered.parts.length > 0) return;
    for (const part of toParts(type === '' || 'text' in event ? event : { ...event, data: [event] })) {
      if (part['type'] === 'text') gathered.parts.text(String(part['text']));
      else gathered.parts.put(part);
    }
  });
}

const foldResponse = (body: Fields): Answer => ({ ...foldOnce(createMediaFold(), body), cost: toCost(body['usage']) });

/** Pictures and sound as OpenAI and what is compatible with it make, change and read them. */
export const openaiMedia: WireFormat = {
  name: 'openai-media',
  isRequest: (path, keys) =>
    (/\/images\/(?:generations|edits|variations)$/.test(path) && keys.has('prompt')) ||
    (path.endsWith('/audio/speech') && keys.has('input')),
  isResponse(body) {
    const type = toText(body['type']) ?? '';
    if (/^(?:image_(?:generation|edit)|transcript\.text|speech\.audio)\./.test(type)) return true;
    const isTranscript = toText(body['text']) !== null && !('choices' in body) && !('content' in body);
    const hasMark = ['usage', 'task', 'duration', 'segments', 'x_groq'].some((key) => key in body);
    return (isTranscript && hasMark) || ('created' in body && toFieldsList(body['data']).some(isPicture));
  },
  parseRequest,
  foldResponse,
  foldStream: createMediaFold,
};
