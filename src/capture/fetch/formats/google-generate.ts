import type { Usage } from '../../../core/model/usage.ts';
import { toUsage } from '../../../core/model/usage.ts';
import { createGathered, toFold } from './answer-fold.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { lessOf, otherThanText, sumOf } from './counts.ts';
import { setAtPath } from './google-partial-args.ts';
import type { PartList } from './part-list.ts';
import { memberSlices } from './request/json-text.ts';
import { toOptions } from './request/options.ts';
import { readRequest } from './request/parsed-request.ts';
import { toMessageText, wrapMessage } from './request/request-text.ts';

/** Thoughts are counted beside the candidates, tool prompts beside the prompt, cached tokens inside it. */
function metadataUsage(raw: Fields): Usage {
  const prompt = toCount(raw['promptTokenCount']);
  const candidates = toCount(raw['candidatesTokenCount']);
  const reasoning = toCount(raw['thoughtsTokenCount']);
  const cacheRead = toCount(raw['cachedContentTokenCount']);
  const input = prompt === null ? null : sumOf(prompt, toCount(raw['toolUsePromptTokenCount']));
  return toUsage(
    { total: input, noCache: lessOf(input, cacheRead), cacheRead },
    {
      total: sumOf(candidates, reasoning),
      text: lessOf(candidates, otherThanText(raw['candidatesTokensDetails'])),
      reasoning,
    },
  );
}

/** A call whose arguments come in pieces: the one part that is open until a piece says nothing more follows. */
interface OpenCall {
  readonly key: string;
  readonly args: Record<string, unknown>;
}

function createPartReader(parts: PartList): (part: Fields) => void {
  let calls = 0;
  let open: OpenCall | null = null;

  const addCall = (call: Fields): void => {
    const willContinue = call['willContinue'] === true;
    if (toText(call['name']) !== null || open === null) {
      if (toText(call['name']) === null) return;
      const key = `call:${(calls += 1)}`;
      const args = (toFields(call['args']) ?? {}) as Record<string, unknown>;
      parts.tool(key, { id: toText(call['id']), name: toText(call['name']), input: args });
      open = willContinue ? { key, args: { ...args } } : null;
    }
    if (open === null) return;
    for (const piece of toFieldsList(call['partialArgs'])) setAtPath(open.args, piece);
    parts.tool(open.key, { input: open.args });
    if (!willContinue) open = null;
  };

  return (part) => {
    const call = toFields(part['functionCall']);
    const inline = toFields(part['inlineData']);
    const text = toText(part['text']);
    if (call !== null) addCall(call);
    else if (inline !== null)
      parts.put({ type: 'file', mediaType: inline['mimeType'] ?? null, data: inline['data'] ?? null });
    else if (text !== null && part['thought'] === true) parts.reasoning(text);
    else if (text !== null) parts.text(text);
    else if (Object.keys(part).some((key) => key !== 'thoughtSignature' && key !== 'thought')) parts.put(part);
  };
}

function addSources(sources: Map<string, Fields>, grounding: unknown): void {
  for (const chunk of toFieldsList(toFields(grounding)?.['groundingChunks'])) {
    const web = toFields(chunk['web']);
    if (web === null) continue;
    const source = { type: 'source', sourceType: 'url', url: web['uri'] ?? null, title: web['title'] ?? null };
    sources.set(String(web['uri']), source);
  }
}

function createGenerateFold(): StreamFold {
  const gathered = createGathered();
  const read = createPartReader(gathered.parts);
  const sources = new Map<string, Fields>();
  const rules = { usageOf: metadataUsage, isToolStopBare: true, lastParts: () => [...sources.values()] };

  return toFold(gathered, rules, (event) => {
    if (toFields(event['error']) !== null) gathered.error ??= toAnswerError(event['error']);
    gathered.model = toText(event['modelVersion']) ?? gathered.model;
    gathered.responseId = toText(event['responseId']) ?? gathered.responseId;
    const usage = toFields(event['usageMetadata']);
    // Counts grow from event to event; one without counts takes nothing back.
    if (usage !== null) gathered.usageRaw = { ...gathered.usageRaw, ...usage };
    gathered.endWord = toText(toFields(event['promptFeedback'])?.['blockReason']) ?? gathered.endWord;
    const candidate = toFieldsList(event['candidates'])[0];
    if (candidate === undefined) return;
    for (const part of toFieldsList(toFields(candidate['content'])?.['parts'])) read(part);
    addSources(sources, candidate['groundingMetadata']);
    gathered.endWord = toText(candidate['finishReason']) ?? gathered.endWord;
  });
}

const settingKeys = ['generationConfig', 'generation_config'];
const conversationKeys = new Set(['contents', 'systemInstruction', 'system_instruction', 'tools', ...settingKeys]);

/** The system instruction is a content of its own; only its parts are kept, under the role it has. */
function systemMessage(exact: string | null): readonly unknown[] {
  if (exact === null) return [];
  const slice = memberSlices(exact)?.get('parts');
  return [
    slice === undefined
      ? wrapMessage('system', 'content', exact)
      : wrapMessage('system', 'parts', exact.slice(slice.start, slice.end)),
  ];
}

const parseRequest = (text: string, path: string): ParsedRequest | null =>
  readRequest(text, conversationKeys, (body, others) => {
    const config = toFields(body.value('generationConfig')) ?? toFields(body.value('generation_config')) ?? {};
    const { responseSchema, responseJsonSchema, responseMimeType, ...settings } = config;
    const schema = responseSchema ?? responseJsonSchema;
    const bare = body.raw('contents');
    const spoken = body.elements('contents') ?? (bare === null ? [] : [bare]);
    return {
      operation: /streamGenerateContent/i.test(path) ? 'stream' : 'generate',
      model: /\/models\/([^/:]+):/.exec(path)?.[1] ?? null,
      messages: [
        ...systemMessage(body.raw('systemInstruction') ?? body.raw('system_instruction')),
        ...spoken.map((content) => toMessageText(content)),
      ],
      options: {
        ...toOptions([...Object.entries(settings), ...others]),
        ...(responseMimeType === undefined ? {} : { responseFormat: { type: responseMimeType } }),
        ...(responseMimeType === 'application/json' ? { structuredOutput: true } : {}),
      },
      request: schema === undefined ? undefined : { responseFormat: { type: responseMimeType ?? null, schema } },
    };
  });

/** Google's generateContent and streamGenerateContent, of the developer API and of the cloud. */
export const googleGenerate: WireFormat = {
  name: 'google-generate',
  isRequest: (path, keys) => /:(?:stream)?generateContent$/i.test(path) && keys.has('contents'),
  isResponse: (body) =>
    Array.isArray(body['candidates']) ||
    toFields(body['usageMetadata']) !== null ||
    toFields(body['promptFeedback']) !== null,
  parseRequest,
  foldResponse: (body) => foldOnce(createGenerateFold(), body),
  foldStream: createGenerateFold,
};
