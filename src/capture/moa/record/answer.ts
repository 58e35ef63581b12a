import { createChunkMeter } from '../../../core/model/chunk-timing.ts';
import type { FinishReason, StreamSummary } from '../../../core/model/step.ts';
import type { GenerateResult, Part } from '../vendor.ts';
import { toFields, toText } from '../vendor.ts';

/** What a model answered, whole or collected from a stream. */
export interface Answer {
  readonly content: readonly Part[];
  readonly finishReason: FinishReason | null;
  readonly usage: unknown;
  readonly providerMetadata: unknown;
  readonly warnings: unknown;
  readonly responseId: string | null;
  /** The model that served. */
  readonly modelId: string | null;
}

/** A finish reason in the provider layer's form, or in the older one of a single word. */
export function toFinishReason(value: unknown): FinishReason | null {
  const fields = toFields(value);
  const unified = toText(fields?.['unified']) ?? toText(value);
  return unified === null ? null : { unified, raw: toText(fields?.['raw']) };
}

/** A whole answer as it is recorded. */
export function resultToAnswer(result: GenerateResult): Answer {
  const response = toFields(result['response']);
  return {
    content: Array.isArray(result.content) ? result.content : [],
    finishReason: toFinishReason(result.finishReason),
    usage: result.usage,
    providerMetadata: result.providerMetadata,
    warnings: result['warnings'],
    responseId: toText(response?.['id']),
    modelId: toText(response?.['modelId']),
  };
}

/** Collects the parts of one stream. It reads no clock and does nothing but collect. */
export interface AnswerFold {
  /** `atMs` on the monotonic clock. */
  add(part: Part, atMs: number): void;
  readonly isFinished: boolean;
  /** The first error part, or `null`. */
  readonly failure: { readonly error: unknown } | null;
  answer(): Answer;
  readonly firstOutputMs: number | null;
  summary(): StreamSummary;
}

type Growing = Record<string, unknown> & { type: string };

/** Parts that grow by deltas, told apart by kind and id; a final tool call takes the place of its input. */
function createParts(): { add(part: Part): void; readonly list: readonly Part[] } {
  const list: Growing[] = [];
  const openByKey = new Map<string, Growing>();
  const open = (key: string, part: Growing): Growing => {
    const known = openByKey.get(key);
    if (known !== undefined) return known;
    list.push(part);
    openByKey.set(key, part);
    return part;
  };
  const addWords = (kind: string, part: Part): void => {
    const key = `${kind}/${String(part['id'])}`;
    const growing = open(key, { type: kind, text: '' });
    if (typeof part['delta'] === 'string') growing['text'] = `${String(growing['text'])}${part['delta']}`;
    for (const name of ['providerMetadata', 'citations']) if (part[name] !== undefined) growing[name] = part[name];
    if (part.type.endsWith('-end')) openByKey.delete(key);
  };
  const addInput = (part: Part): void => {
    const id = String(part['id']);
    const call = { type: 'tool-call', toolCallId: id, toolName: part['toolName'] ?? '', input: '', incomplete: true };
    const growing = open(`call/${id}`, call);
    if (typeof part['delta'] === 'string' && growing['incomplete'] === true)
      growing['input'] = `${String(growing['input'])}${part['delta']}`;
  };
  const addCall = (part: Part): void => {
    const growing = open(`call/${String(part['toolCallId'])}`, { ...part });
    delete growing['incomplete'];
    Object.assign(growing, part);
  };
  const whole = ['file', 'reasoning-file', 'source', 'custom', 'tool-approval-request', 'tool-result'];
  return {
    list,
    add(part) {
      const words = /^(text|reasoning)-(?:start|delta|end)$/.exec(part.type)?.[1];
      if (words !== undefined) addWords(words, part);
      else if (part.type.startsWith('tool-input-')) addInput(part);
      else if (part.type === 'tool-call') addCall(part);
      else if (whole.includes(part.type)) list.push({ ...part });
    },
  };
}

const isOutput = ({ type, delta }: Part): boolean => (type.endsWith('-delta') ? delta !== '' : type === 'tool-call');

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : 'an error without words';
}

/** A fold of a stream that starts at `startMs` on the monotonic clock. */
export function createAnswerFold(startMs: number): AnswerFold {
  const parts = createParts();
  const meter = createChunkMeter();
  const countByType = new Map<string, number>();
  const count = (type: string): number => countByType.get(type) ?? 0;
  let total = 0;
  let firstOutputMs: number | null = null;
  let finish: Part | null = null;
  let meta: Record<string, unknown> = {};
  let warnings: unknown;
  let failure: { error: unknown } | null = null;
  let lastError: string | null = null;
  return {
    get isFinished() {
      return finish !== null;
    },
    get failure() {
      return failure;
    },
    get firstOutputMs() {
      return firstOutputMs;
    },
    add(part, atMs) {
      total += 1;
      countByType.set(part.type, count(part.type) + 1);
      if (isOutput(part)) {
        firstOutputMs ??= Math.max(0, Math.round((atMs - startMs) * 1000) / 1000);
        meter.tick(atMs);
      }
      if (part.type === 'finish') finish = part;
      else if (part.type === 'response-metadata') meta = { ...meta, ...part };
      else if (part.type === 'stream-start') warnings = part['warnings'];
      else if (part.type === 'error') {
        failure ??= { error: part['error'] };
        lastError = messageOf(part['error']);
      } else parts.add(part);
    },
    answer: () => ({
      content: parts.list.filter((part) => part.type !== 'text' || part['text'] !== ''),
      finishReason: toFinishReason(finish?.['finishReason']),
      usage: finish?.['usage'],
      providerMetadata: finish?.['providerMetadata'],
      warnings,
      responseId: toText(meta['id']),
      modelId: toText(meta['modelId']),
    }),
    summary: () => ({
      finishReason: toFinishReason(finish?.['finishReason'])?.unified ?? null,
      textDeltas: count('text-delta'),
      toolCalls: count('tool-call'),
      sources: count('source'),
      warnings: Array.isArray(warnings) ? warnings.length : 0,
      errors: count('error'),
      parts: total,
      lastError,
      chunkTiming: meter.timing(),
    }),
  };
}
