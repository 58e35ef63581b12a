import type { StepFinish } from '../../../core/record/recording.ts';
import type { Fields, OperationStart } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import type { Withheld } from './response.ts';
import { embeddingUsageToUsage, resultUsageToUsage } from './usage.ts';

/** How an operation of the SDK tells of its model calls. */
export interface Operation {
  /** `generateText`, `streamText`, `embedMany` and so on. */
  readonly name: string;
  /** The model operation of its steps. */
  readonly operation: string;
  /** Object calls are generate or stream with this set. */
  readonly isStructured: boolean;
  /** Its model call is told by nothing but the start and end of the operation itself. */
  readonly isOneCall: boolean;
}

const table: Readonly<Record<string, Omit<Operation, 'name'>>> = {
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

/** The request of a call that is no list of messages; only fields that were given. */
export function toPlainRequest(event: OperationStart | Fields): Record<string, unknown> {
  const fields = event as Fields;
  const names = [
    ...[
      'value',
      'values',
      'dimensions',
      'query',
      'documents',
      'topN',
      'text',
      'voice',
      'outputFormat',
      'instructions',
      'speed',
    ],
    ...['language', 'audio', 'inputAudioFormat', 'timestampGranularities', 'state', 'questions'],
  ];
  const request: Record<string, unknown> = {};
  for (const name of names) if (fields[name] !== undefined) request[name] = fields[name];
  return request;
}

/** Vectors are recorded by number and size: they are derived, large, and nobody reads them. */
function toVectorPart(embeddings: unknown): unknown {
  const list = Array.isArray(embeddings) ? (embeddings as unknown[]) : [];
  const first = list[0];
  return { type: 'embeddings', count: list.length, dimensions: Array.isArray(first) ? first.length : null };
}

function toPlainParts(event: Fields): readonly unknown[] {
  if (event['embeddings'] !== undefined) return [toVectorPart(event['embeddings'])];
  if (event['ranking'] !== undefined) return [{ type: 'ranking', ranking: event['ranking'] }];
  if (event['answers'] !== undefined)
    return [{ type: 'answers', answers: event['answers'], rounding: event['rounding'] }];
  if (event['operationId'] === 'ai.generateSpeech') return [{ type: 'audio', ...toFields(event['audio']) }];
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
  const usage =
    embeddingUsageToUsage(event['usage']) ??
    (event['operationId'] === 'ai.decide.doDecide' ? resultUsageToUsage(event['usage']) : null);
  const hasWarnings = Array.isArray(warnings) && warnings.length > 0;
  return {
    status: 'completed',
    usage,
    ...(usage === null && event['usage'] !== undefined ? { usageRaw: event['usage'] } : {}),
    ...(toText(response?.['modelId']) === undefined ? {} : { model: toText(response?.['modelId']) }),
    ...(toText(response?.['id']) === undefined ? {} : { providerResponseId: toText(response?.['id']) }),
    ...(hasWarnings ? { metadata: { warnings } } : {}),
    ...(withheld.outputs ? { outputsWithheld: true } : { response: toPlainParts(event) }),
  };
}
