import { toUsage } from '../../../core/model/usage.ts';
import type { Fields } from './fields.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';
import type { Answer, ParsedRequest, StreamFold, WireFormat } from './format.ts';
import { toAnswerError } from './format.ts';
import { toCost } from './counts.ts';
import { readRequest } from './request/parsed-request.ts';

const namedKeys = new Set(['input', 'model']);

const parseRequest = (text: string): ParsedRequest | null =>
  readRequest(text, namedKeys, (body) => ({
    operation: 'embed',
    tools: null,
    request: { input: body.value('input') ?? null },
  }));

/** Vectors are recorded by number and size: they are derived, large, and nobody reads them. */
function toVectorPart(data: readonly Fields[]): unknown {
  const first = data[0]?.['embedding'];
  return { type: 'embeddings', count: data.length, dimensions: Array.isArray(first) ? first.length : null };
}

function foldResponse(body: Fields): Answer {
  const usage = toFields(body['usage']);
  return {
    parts: [toVectorPart(toFieldsList(body['data']))],
    model: toText(body['model']),
    responseId: toText(body['id']),
    usage: usage === null ? null : toUsage({ total: toCount(usage['prompt_tokens']) }, {}),
    usageRaw: usage ?? undefined,
    cost: toCost(usage),
    finishReason: null,
    isFinished: true,
    error: toFields(body['error']) === null ? null : toAnswerError(body['error']),
    textDeltas: 0,
  };
}

function foldStream(): StreamFold {
  let answer = foldResponse({});
  let isFinished = false;
  return {
    push(event) {
      answer = foldResponse(event);
      isFinished = true;
    },
    get hasOutput() {
      return isFinished;
    },
    get isFinished() {
      return isFinished;
    },
    answer: () => ({ ...answer, isFinished }),
  };
}

/** OpenAI embeddings and what is compatible with them. */
export const openaiEmbeddings: WireFormat = {
  name: 'openai-embeddings',
  isRequest: (path, keys) => path.endsWith('/embeddings') && keys.has('input'),
  isResponse: (body) => body['object'] === 'list' && toFieldsList(body['data'])[0]?.['object'] === 'embedding',
  parseRequest,
  foldResponse,
  foldStream,
};
