import type { StepFinish } from '../../../core/record/recording.ts';
import { isAbort } from '../../../core/record/failure.ts';
import { toFailure } from './failure.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import type { StreamOutcome } from '../stream/fold.ts';
import { modelUsageToUsage, resultUsageToUsage } from './usage.ts';

/** Which side of a call is not to be recorded. */
export interface Withheld {
  readonly inputs: boolean;
  readonly outputs: boolean;
}

/** Warnings and provider metadata; left out where there are none. */
function toMetadata(
  source: { warnings?: unknown; providerMetadata?: unknown; structuredOutputText?: unknown },
  isWithheld: boolean,
): StepFinish['metadata'] {
  const metadata: Record<string, unknown> = {};
  if (Array.isArray(source.warnings) && source.warnings.length > 0) metadata['warnings'] = source.warnings;
  if (!isWithheld && source.providerMetadata !== undefined) metadata['providerMetadata'] = source.providerMetadata;
  if (!isWithheld && source.structuredOutputText !== undefined)
    metadata['structuredOutputText'] = source.structuredOutputText;
  return Object.keys(metadata).length === 0 ? undefined : metadata;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The end of a model step from the provider layer's whole answer (`LanguageModelV4GenerateResult`). */
export function resultToFinish(value: unknown, withheld: Withheld): StepFinish {
  const result = toFields(value) ?? {};
  const reason = toFields(result['finishReason']);
  const response = toFields(result['response']);
  const usage = modelUsageToUsage(result['usage']);
  const finish: Mutable<StepFinish> = { status: 'completed', usage, usageRaw: toFields(result['usage'])?.['raw'] };
  const unified = toText(reason?.['unified']) ?? toText(result['finishReason']);
  if (unified !== undefined) finish.finishReason = { unified, raw: toText(reason?.['raw']) ?? null };
  finish.model = toText(response?.['modelId']);
  finish.providerResponseId = toText(response?.['id']);
  finish.metadata = toMetadata(result, withheld.inputs || withheld.outputs);
  if (withheld.outputs) finish.outputsWithheld = true;
  else finish.response = result['content'] ?? [];
  return finish;
}

/** The end of a model step from what its stream amounted to. */
export function outcomeToFinish(outcome: StreamOutcome, withheld: Withheld): StepFinish {
  const isWithheld = withheld.inputs || withheld.outputs;
  const finish: Mutable<StepFinish> = {
    status: outcome.status,
    usage: modelUsageToUsage(outcome.usage),
    usageRaw: toFields(outcome.usage)?.['raw'],
    timeToFirstTokenMs: outcome.firstOutputMs,
    stream: isWithheld ? { ...outcome.summary, lastError: null } : outcome.summary,
    model: outcome.modelId,
    providerResponseId: outcome.responseId,
    metadata: toMetadata(outcome, isWithheld),
  };
  if (outcome.finishReason !== null) finish.finishReason = outcome.finishReason;
  if (outcome.error !== undefined) finish.error = toFailure(outcome.error, isWithheld);
  if (withheld.outputs) finish.outputsWithheld = true;
  else finish.response = outcome.response;
  return finish;
}

/** Client-run tools are steps of their own; only what the provider ran belongs to the model's answer. */
function isModelPart(part: unknown): boolean {
  const fields = toFields(part);
  const type = fields?.['type'];
  return (type !== 'tool-result' && type !== 'tool-error') || fields?.['providerExecuted'] === true;
}

/** The end of a model step from the SDK's own step result, where the provider layer's answer was not seen. */
export function stepResultToFinish(event: Fields, withheld: Withheld): StepFinish {
  const response = toFields(event['response']);
  const performance = toFields(event['performance']);
  const finish: Mutable<StepFinish> = {
    status: 'completed',
    usage: resultUsageToUsage(event['usage']),
    usageRaw: toFields(event['usage'])?.['raw'],
    model: toText(response?.['modelId']),
    providerResponseId: toText(response?.['id']),
    metadata: toMetadata(event, withheld.inputs || withheld.outputs),
  };
  const unified = toText(event['finishReason']);
  if (unified !== undefined) finish.finishReason = { unified, raw: toText(event['rawFinishReason']) ?? null };
  const firstMs = performance?.['timeToFirstOutputMs'] ?? event['msToFirstChunk'];
  if (typeof firstMs === 'number') finish.timeToFirstTokenMs = firstMs;
  if (withheld.outputs) finish.outputsWithheld = true;
  else finish.response = toStepParts(event);
  return finish;
}

function toStepParts(event: Fields): readonly unknown[] {
  if (Array.isArray(event['content'])) return (event['content'] as unknown[]).filter(isModelPart);
  const parts: unknown[] = [];
  if (typeof event['reasoning'] === 'string') parts.push({ type: 'reasoning', text: event['reasoning'] });
  if (typeof event['objectText'] === 'string') parts.push({ type: 'text', text: event['objectText'] });
  return parts;
}

/** The end of a model step that threw: an abort or a deadline interrupts it, all else is an error. */
export function errorToFinish(error: unknown, withheld: Withheld): StepFinish {
  const failure = toFailure(error, withheld.inputs || withheld.outputs);
  return { status: isAbort(error) ? 'interrupted' : 'error', error: failure };
}
