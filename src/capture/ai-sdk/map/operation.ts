import type { StepFinish } from '../../../core/record/recording.ts';
import type { Fields, OperationStart } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import type { Withheld } from './response.ts';
import { embeddingUsageToUsage, resultUsageToUsage } from './usage.ts';

/** How an operation of the SDK tells of its model calls. */
export interface Operation {
  /** `generateText`, `streamText`, `embedMany` and so on. */
  readonly name: string;
  /** The model operation of its steps; `null` where the SDK does not say which it is. */
  readonly operation: string | null;
  /** Object calls are generate or stream with this set. */
  readonly isStructured: boolean;
  /** Its model call is told by nothing but the start and end of the operation itself. */
  readonly isOneCall: boolean;
}

const table: Readonly<Record<string, Omit<Operation, 'name'>>> = {
  text: { operation: null, isStructured: false, isOneCall: false },
  generateText: { operation: 'generate', isStructured: false, isOneCall: false },
  streamText: { operation: 'stream', isStructured: false, isOneCall: false },
  generateObject: { operation: 'generate', isStructured: true, isOneCall: false },
  streamObject: { operation: 'stream', isStructured: true, isOneCall: false },
  embed: { operation: 'embed', isStructured: false, isOneCall: false },
  embedMany: { operation: 'embed', isStructured: false, isOneCall: false },
  rerank: { operation: 'rerank', isStructured: false, isOneCall: false },
  decide: { operation: 'decide', isStructured: true, isOneCall: false },
  generateSpeech: { operation: 'speech', isStructured: false, isOneCall: true },
  transcribe: { operation: 'transcribe', isStructured: false, isOneCall: true },
  streamTranscribe: { operation: 'transcribe', isStructured: false, isOneCall: true },
};

/** What an `operationId` such as `ai.generateText` stands for; an unknown one is a generate of its own name. */
export function toOperation(operationId: string | undefined): Operation {
  const name = (operationId ?? 'ai.unknown').replace(/^ai\./, '').split('.')[0]!;
  return { name, ...(table[name] ?? { operation: name, isStructured: false, isOneCall: false }) };
}

/** What the calls that are no conversation are asked, by the SDK's names. */
const requestNames = [
  ...['value', 'values', 'dimensions', 'query', 'documents', 'topN', 'state', 'questions'],
  ...['text', 'voice', 'outputFormat', 'instructions', 'speed', 'language'],
  ...['audio', 'mediaType', 'inputAudioFormat', 'timestampGranularities'],
  ...['prompt', 'n', 'size', 'aspectRatio', 'seed', 'files', 'mask'],
] as const;

/** The request of a call that is no list of messages; only fields that were given. */
export function toPlainRequest(event: OperationStart | Fields): Record<string, unknown> {
  const fields = event as Fields;
  const request: Record<string, unknown> = {};
  for (const name of requestNames) if (fields[name] !== undefined) request[name] = fields[name];
  return request;
}

/** Vectors are recorded by number and size: they are derived, large, and nobody reads them. */
function toVectorPart(embeddings: unknown): unknown {
  const list = Array.isArray(embeddings) ? (embeddings as unknown[]) : [];
  const first = list[0];
  return { type: 'embeddings', count: list.length, dimensions: Array.isArray(first) ? first.length : null };
}

const isSpeech = (event: Fields): boolean =>
  event['operationId'] === 'ai.generateSpeech' || event['operation'] === 'speech';

/** Speech as the SDK's events give it (a file), or as its provider layer does (bytes or base64). */
function toAudioPart(audio: unknown): unknown {
  const isBytes = typeof audio === 'string' || audio instanceof Uint8Array;
  return { type: 'audio', ...(isBytes ? { data: audio } : toFields(audio)) };
}

/** Operations whose usage is that of a language model: tokens in and out. */
const speaking = new Set<unknown>(['ai.decide.doDecide', 'image']);

function toPlainParts(event: Fields): readonly unknown[] {
  if (event['embeddings'] !== undefined) return [toVectorPart(event['embeddings'])];
  if (event['ranking'] !== undefined) return [{ type: 'ranking', ranking: event['ranking'] }];
  if (event['answers'] !== undefined)
    return [{ type: 'answers', answers: event['answers'], rounding: event['rounding'] }];
  if (Array.isArray(event['images']))
    return (event['images'] as unknown[]).map((image) => ({ type: 'file', kind: 'image', data: image }));
  if (isSpeech(event)) return [toAudioPart(event['audio'])];
  if (typeof event['text'] !== 'string') return [];
  const { segments, words, language, durationInSeconds } = event;
  return [
    { type: 'text', text: event['text'] },
    { type: 'transcript', segments, words, language, durationInSeconds },
  ];
}

/** The end of an embedding, rerank, speech, transcription or decision call. */
export function plainToFinish(event: Fields, withheld: Withheld): StepFinish {
  const response = toFields(event['response']);
  const warnings = event['warnings'];
  const isWithheld = withheld.inputs || withheld.outputs;
  const usage =
    embeddingUsageToUsage(event['usage']) ??
    (speaking.has(event['operationId'] ?? event['operation']) ? resultUsageToUsage(event['usage']) : null);
  const metadata = {
    ...(Array.isArray(warnings) && warnings.length > 0 ? { warnings } : {}),
    ...(isWithheld || event['providerMetadata'] === undefined ? {} : { providerMetadata: event['providerMetadata'] }),
  };
  return {
    status: 'completed',
    usage,
    ...(usage === null && event['usage'] !== undefined ? { usageRaw: event['usage'] } : {}),
    ...(toText(response?.['modelId']) === undefined ? {} : { model: toText(response?.['modelId']) }),
    ...(toText(response?.['id']) === undefined ? {} : { providerResponseId: toText(response?.['id']) }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(withheld.outputs ? { outputsWithheld: true } : { response: toPlainParts(event) }),
  };
}
