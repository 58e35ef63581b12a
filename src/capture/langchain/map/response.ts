import type { StepFinish } from '../../../core/record/recording.ts';
import { toFinishReason } from '../../fetch/formats/counts.ts';
import type { Fields } from '../vendor.ts';
import { isMessage, toFields, toText } from '../vendor.ts';
import { messageToParts } from './message.ts';
import { nothingSpent, tokenUsageToUsage, toRecordedUsage } from './usage.ts';

const reasonNames = ['finish_reason', 'stop_reason', 'finishReason', 'stopReason', 'done_reason', 'status'];

/** The first of a list of keys that holds a word, in the first object that has one. */
function firstText(sources: readonly (Fields | null)[], names: readonly string[]): string | undefined {
  for (const source of sources)
    for (const name of names) {
      const text = toText(source?.[name]);
      if (text !== undefined) return text;
    }
  return undefined;
}

function partsOf(generation: Fields): readonly unknown[] {
  const { message, text } = generation;
  if (isMessage(message)) return messageToParts(message);
  return typeof text === 'string' && text !== '' ? [{ type: 'text', text }] : [];
}

/** The provider's id of an answer; LangChain makes one up where it got none. */
function responseIdOf(message: Fields | null, metadata: Fields | null): string | undefined {
  const id = toText(metadata?.['id']) ?? toText(message?.['id']);
  return id === undefined || /^(?:run|lc_run)-/.test(id) ? undefined : id;
}

/** The end of a model step from LangChain's account of it; several answers to one prompt stand one after the other. */
export function resultToFinish(result: unknown, isCached: boolean): StepFinish {
  const output = toFields(toFields(result)?.['llmOutput']);
  const generations = (toFields(result)?.['generations'] as readonly unknown[] | undefined)?.[0];
  const list = (Array.isArray(generations) ? generations : []).map(toFields).filter((item) => item !== null);
  const first = list[0] ?? {};
  const message = toFields(first['message']);
  const metadata = toFields(message?.['response_metadata']);
  const info = toFields(first['generationInfo']);
  const usageRaw = metadata?.['usage'] ?? output?.['usage'] ?? undefined;
  const parts = list.flatMap(partsOf);
  const reason = firstText([metadata, info], reasonNames);
  const model = firstText([metadata, output, info], ['model_name', 'model', 'modelId']);
  const responseId = responseIdOf(message, metadata);
  const usage = isCached
    ? nothingSpent
    : (toRecordedUsage(message?.['usage_metadata'], usageRaw) ?? tokenUsageToUsage(output?.['tokenUsage']));
  return {
    status: 'completed',
    response: parts,
    usage,
    ...(usageRaw === undefined || isCached ? {} : { usageRaw }),
    ...(model === undefined ? {} : { model }),
    ...(responseId === undefined ? {} : { providerResponseId: responseId }),
    ...(reason === undefined
      ? {}
      : {
          finishReason: toFinishReason(
            reason,
            parts.some((part) => toFields(part)?.['type'] === 'tool-call'),
          ),
        }),
    ...(isCached ? { metadata: { cached: true } } : {}),
  };
}

/** Ids of the tools that an answer asks for. */
export function toolCallIdsOf(finish: StepFinish): readonly string[] {
  const parts = Array.isArray(finish.response) ? (finish.response as unknown[]) : [];
  return parts.flatMap((part) => toText(toFields(part)?.['toolCallId']) ?? []);
}
