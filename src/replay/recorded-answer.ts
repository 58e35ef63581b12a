import type { RecordedError, StepView } from '../core/model/step.ts';
import { findGap } from './divergence.ts';
import type { RecordedRun } from './recorded-run.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A model's answer as the AI SDK's language models give it. */
export interface ModelAnswer {
  readonly content: readonly Fields[];
  readonly finishReason: { readonly unified: string; readonly raw: string | undefined };
  readonly usage: Fields;
  readonly warnings: readonly unknown[];
  readonly response: { readonly id?: string; readonly modelId?: string; readonly timestamp: Date };
  readonly providerMetadata?: unknown;
}

const orUndefined = <T>(value: T | null | undefined): T | undefined => value ?? undefined;

/** Tokens as the SDK's models tell them; what was not reported stays so (I12). */
function toUsage({ usage, usageRaw }: StepView): Fields {
  const input = usage?.input;
  const output = usage?.output;
  return {
    inputTokens: {
      total: orUndefined(input?.total),
      noCache: orUndefined(input?.noCache),
      cacheRead: orUndefined(input?.cacheRead),
      cacheWrite: orUndefined(input?.cacheWrite),
    },
    outputTokens: {
      total: orUndefined(output?.total),
      text: orUndefined(output?.text),
      reasoning: orUndefined(output?.reasoning),
    },
    ...(usageRaw === null || usageRaw === undefined ? {} : { raw: usageRaw }),
  };
}

/** The answer around its content. */
export function stepToAnswer(step: StepView, content: readonly Fields[]): ModelAnswer {
  const { metadata, finishReason, providerResponseId, model } = step;
  const warnings = metadata?.['warnings'];
  return {
    content,
    finishReason: {
      unified: finishReason?.unified ?? (content.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop'),
      raw: finishReason?.raw ?? undefined,
    },
    usage: toUsage(step),
    warnings: Array.isArray(warnings) ? (warnings as unknown[]) : [],
    response: {
      ...(providerResponseId === null ? {} : { id: providerResponseId }),
      ...(model === null ? {} : { modelId: model }),
      timestamp: new Date(step.finishedAtMs ?? step.startedAtMs),
    },
    ...(metadata?.['providerMetadata'] === undefined ? {} : { providerMetadata: metadata['providerMetadata'] }),
  };
}

/** The content of a recorded answer, or why it cannot be given again. */
export async function readAnswer(
  recorded: RecordedRun,
  step: StepView,
): Promise<{ readonly content: readonly Fields[] } | { readonly field: string; readonly why: string }> {
  if (step.outputsWithheld) return { field: 'answer', why: 'was withheld at its caller’s wish' };
  const text = await recorded.readText(step.responseId);
  if (text === null) return { field: 'answer', why: step.erased ? 'was erased' : 'was not recorded' };
  const content = JSON.parse(text) as unknown;
  if (!Array.isArray(content)) return { field: 'answer', why: 'is no list of parts' };
  return findGap(content, 'answer') ?? { content: content as Fields[] };
}

/**
 * True for a reference of a mixture that its turn did not wait for any longer. To the turn it is a reference that failed,
 * like any other: a replay need not be as late as it was.
 */
export function isLateReference({ metadata }: StepView, error: RecordedError | null): boolean {
  const moa = metadata?.['moa'] as { readonly role?: unknown } | null | undefined;
  return moa?.role === 'reference' && error?.name === 'TimeoutError';
}

/** Words of a text, white space with the word before it: the pieces that a stream brings. */
export const toPieces = (text: string): readonly string[] => text.match(/\S+\s*|\s+/g) ?? [];

function* wordsToChunks(part: Fields, type: 'text' | 'reasoning', id: string): Generator<Fields> {
  const { providerMetadata, citations } = part;
  const extra = providerMetadata === undefined ? {} : { providerMetadata };
  yield { type: `${type}-start`, id };
  for (const delta of toPieces(String(part['text'] ?? ''))) yield { type: `${type}-delta`, id, delta };
  if (part['incomplete'] === true) return;
  yield { type: `${type}-end`, id, ...extra, ...(citations === undefined ? {} : { citations }) };
}

function* callToChunks(part: Fields): Generator<Fields> {
  const { toolCallId: id, toolName, providerExecuted } = part;
  const input = typeof part['input'] === 'string' ? part['input'] : JSON.stringify(part['input'] ?? {});
  yield { type: 'tool-input-start', id, toolName, ...(providerExecuted === undefined ? {} : { providerExecuted }) };
  if (input !== '') yield { type: 'tool-input-delta', id, delta: input };
  if (part['incomplete'] === true) return;
  yield { type: 'tool-input-end', id };
  yield { ...part, input };
}

/** The chunks that a stream of this answer brings, without its end where the recorded one had none. */
export function* answerToChunks(answer: ModelAnswer, isWhole: boolean): Generator<Fields> {
  yield { type: 'stream-start', warnings: answer.warnings };
  yield { type: 'response-metadata', ...answer.response };
  let number = 0;
  for (const part of answer.content) {
    const id = String(number++);
    if (part['type'] === 'text' || part['type'] === 'reasoning') yield* wordsToChunks(part, part['type'], id);
    else if (part['type'] === 'tool-call') yield* callToChunks(part);
    else yield part;
  }
  if (!isWhole) return;
  const { finishReason, usage, providerMetadata } = answer;
  yield { type: 'finish', finishReason, usage, ...(providerMetadata === undefined ? {} : { providerMetadata }) };
}
