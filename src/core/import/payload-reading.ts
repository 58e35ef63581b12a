import type { BodyRef } from '../model/attempt.ts';
import type { ChunkTiming, ContextMark, FinishReason, RecordedError, StreamSummary } from '../model/step.ts';
import { forbiddenName, toOpenValue } from './open-value.ts';
import type { Fields } from './reading.ts';
import { digestField, durationMaxMs, isFields, numberField, objectField, textField } from './reading.ts';

/** Words by name, such as labels or headers; what is no word is left out, numbers and truth values become words. */
export function wordsField(fields: Fields, key: string): Readonly<Record<string, string>> | null {
  const value = objectField(fields, key);
  if (value === null) return null;
  const words: Record<string, string> = {};
  for (const [name, item] of Object.entries(value)) {
    if (name === forbiddenName || (typeof item !== 'string' && typeof item !== 'number' && typeof item !== 'boolean'))
      continue;
    words[name.toWellFormed()] = String(item).toWellFormed();
  }
  return words;
}

const causesMax = 64;

function toCause(value: unknown): RecordedError['causes'][number] | null {
  if (!isFields(value)) return null;
  return { name: textField(value, 'name') ?? 'Error', message: textField(value, 'message') ?? '' };
}

/** A recorded error, or `null` when the field is no object. */
export function errorField(fields: Fields, key: string): RecordedError | null {
  const value = objectField(fields, key);
  if (value === null) return null;
  const causes = Array.isArray(value['causes']) ? (value['causes'] as unknown[]).slice(0, causesMax) : [];
  const { isRetryable } = value;
  return {
    name: textField(value, 'name') ?? 'Error',
    message: textField(value, 'message') ?? '',
    code: textField(value, 'code'),
    status: numberField(value, 'status'),
    isRetryable: typeof isRetryable === 'boolean' ? isRetryable : null,
    causes: causes.map(toCause).filter((cause) => cause !== null),
  };
}

/** The reference to a body, or `null` when the field is no object. */
export function bodyField(fields: Fields, key: string): BodyRef | null {
  const value = objectField(fields, key);
  if (value === null) return null;
  return {
    contentId: digestField(value, 'contentId'),
    nodeId: digestField(value, 'nodeId'),
    pieces: numberField(value, 'pieces') ?? 0,
    bytes: numberField(value, 'bytes'),
    contentType: textField(value, 'contentType'),
    truncated: value['truncated'] === true,
    withheld: textField(value, 'withheld'),
  };
}

/** Why a model stopped, or `null` when the field is no object. */
export function finishReasonField(fields: Fields, key: string): FinishReason | null {
  const value = objectField(fields, key);
  return value === null ? null : { unified: textField(value, 'unified') ?? 'other', raw: textField(value, 'raw') };
}

function toChunkTiming(value: Fields | null): ChunkTiming | null {
  if (value === null) return null;
  const ms = (key: string): number => numberField(value, key, durationMaxMs) ?? 0;
  const count = numberField(value, 'count') ?? 0;
  return {
    count,
    minMs: ms('minMs'),
    p10Ms: ms('p10Ms'),
    medianMs: ms('medianMs'),
    meanMs: ms('meanMs'),
    p90Ms: ms('p90Ms'),
    maxMs: ms('maxMs'),
  };
}

/** What a stream consisted of, or `null` when the field is no object. */
export function streamField(fields: Fields, key: string): StreamSummary | null {
  const value = objectField(fields, key);
  if (value === null) return null;
  const count = (name: string): number => numberField(value, name) ?? 0;
  return {
    finishReason: textField(value, 'finishReason'),
    textDeltas: count('textDeltas'),
    toolCalls: count('toolCalls'),
    sources: count('sources'),
    warnings: count('warnings'),
    errors: count('errors'),
    parts: count('parts'),
    lastError: textField(value, 'lastError'),
    chunkTiming: toChunkTiming(objectField(value, 'chunkTiming')),
  };
}

/** The marks on messages of a context; those without a place are left out. */
export function marksField(fields: Fields, key: string): readonly ContextMark[] {
  const value = fields[key];
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).flatMap((mark): ContextMark[] => {
    const index = isFields(mark) ? numberField(mark, 'index') : null;
    return index === null ? [] : [{ index, value: toOpenValue((mark as Fields)['value'] ?? null) }];
  });
}
