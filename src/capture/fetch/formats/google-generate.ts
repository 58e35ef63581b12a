import type { Usage } from '../../../core/model/usage.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { foldOnce, toAnswerError } from './format.ts';
import { lessOf, sumOf, toFinishReason, toUsage } from './counts.ts';
import { setAtPath } from './google-partial-args.ts';
import type { PartList } from './part-list.ts';
import { createPartList } from './part-list.ts';
import { openRequest, toMessageText, toOptions, toTools, wrapMessage } from './request-text.ts';
import { memberSlices } from './json-text.ts';

/** Thoughts are counted beside the candidates, tool prompts beside the prompt, cached tokens inside it. */
function metadataUsage(raw: Fields | null): Usage | null {
  if (raw === null) return null;
  const prompt = toCount(raw['promptTokenCount']);
  const candidates = toCount(raw['candidatesTokenCount']);
  const reasoning = toCount(raw['thoughtsTokenCount']);
  const cacheRead = toCount(raw['cachedContentTokenCount']);
  const input = prompt === null ? null : sumOf(prompt, toCount(raw['toolUsePromptTokenCount']));
  return toUsage(
    { total: input, noCache: lessOf(input, cacheRead), cacheRead },
    { total: sumOf(candidates, reasoning), text: candidates, reasoning },
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

function createGenerateFold(): StreamFold {
  const parts = createPartList();
  const read = createPartReader(parts);
  const sources = new Map<string, Fields>();
  let model: string | null = null;
  let responseId: string | null = null;
  let raw: string | null = null;
  let usageRaw: Fields | null = null;
  let error: Error | null = null;

  return {
    push(event) {
      if (toFields(event['error']) !== null) error ??= toAnswerError(event['error']);
      model = toText(event['modelVersion']) ?? model;
      responseId = toText(event['responseId']) ?? responseId;
      const usage = toFields(event['usageMetadata']);
      // Counts grow from event to event; one without counts takes nothing back.
      if (usage !== null) usageRaw = { ...usageRaw, ...usage };
      raw = toText(toFields(event['promptFeedback'])?.['blockReason']) ?? raw;
      const candidate = toFieldsList(event['candidates'])[0];
      if (candidate === undefined) return;
      for (const part of toFieldsList(toFields(candidate['content'])?.['parts'])) read(part);
      for (const chunk of toFieldsList(toFields(candidate['groundingMetadata'])?.['groundingChunks'])) {
        const web = toFields(chunk['web']);
        if (web !== null)
          sources.set(String(web['uri']), {
            type: 'source',
            sourceType: 'url',
            url: web['uri'] ?? null,
            title: web['title'] ?? null,
          });
      }
      raw = toText(candidate['finishReason']) ?? raw;
    },
    get hasOutput() {
      return parts.length > 0;
    },
    get isFinished() {
      return raw !== null;
    },
    answer: () => ({
      parts: [...parts.list(), ...sources.values()],
      model,
      responseId,
      usage: metadataUsage(usageRaw),
      usageRaw: usageRaw ?? undefined,
      cost: null,
      finishReason: raw === null ? null : toFinishReason(raw, parts.callerTools > 0),
      isFinished: raw !== null,
      error,
      textDeltas: parts.textDeltas,
    }),
  };
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

function parseRequest(text: string, path: string): ParsedRequest | null {
  const body = openRequest(text);
  if (body === null) return null;
  const config = toFields(body.value('generationConfig')) ?? toFields(body.value('generation_config')) ?? {};
  const { responseSchema, responseJsonSchema, responseMimeType, ...settings } = config;
  const schema = responseSchema ?? responseJsonSchema;
  const others = [...body.keys].filter((key) => !conversationKeys.has(key));
  const spoken = body.elements('contents') ?? (body.raw('contents') === null ? [] : [body.raw('contents')!]);
  return {
    operation: /streamGenerateContent/i.test(path) ? 'stream' : 'generate',
    model: /\/models\/([^/:]+):/.exec(path)?.[1] ?? null,
    messages: [
      ...systemMessage(body.raw('systemInstruction') ?? body.raw('system_instruction')),
      ...spoken.map((content) => toMessageText(content)),
    ],
    marks: [],
    tools: toTools(body),
    options: {
      ...toOptions([...Object.entries(settings), ...others.map((key): [string, unknown] => [key, body.value(key)])]),
      ...(responseMimeType === undefined ? {} : { responseFormat: { type: responseMimeType } }),
      ...(responseMimeType === 'application/json' ? { structuredOutput: true } : {}),
    },
    request: schema === undefined ? undefined : { responseFormat: { type: responseMimeType ?? null, schema } },
    continues: null,
  };
}

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
