import type { ChunkTiming } from '../../core/model/step.ts';
import type { StepFinish } from '../../core/record/recording.ts';
import { isAbort } from '../../core/record/failure.ts';
import { parseJson, toFields, toText } from './formats/fields.ts';
import type { Answer } from './formats/format.ts';
import { toAnswerError } from './formats/format.ts';

/** How an exchange ended, all told. */
export interface ExchangeOutcome {
  /** HTTP status, or `null` when no answer came. */
  readonly status: number | null;
  /** What was thrown at the caller, or `null`. */
  readonly thrown: unknown;
  /** The caller left the body before its end. */
  readonly isLeft: boolean;
  /** The body is whole by the rules of bodies. */
  readonly isWhole: boolean;
  readonly isEventStream: boolean;
  readonly isRetryable: boolean;
  readonly answer: Answer | null;
  /** Beginning of the body, for the words of an error. */
  readonly bodyStart: string;
  readonly firstOutputMs: number | null;
  readonly timing: ChunkTiming | null;
}

/** The error to record for an answer whose status says it failed: the provider's words where it gave some. */
export function statusToError(outcome: Pick<ExchangeOutcome, 'status' | 'bodyStart' | 'isRetryable'>): Error {
  const body = toFields(parseJson(outcome.bodyStart));
  const told = body?.['error'] ?? body?.['detail'] ?? body?.['message'];
  const error = told === undefined ? new Error(`HTTP ${outcome.status}`) : toAnswerError(told);
  if (error.name === 'ProviderError' || error.name === 'Error') error.name = toText(body?.['type']) ?? 'HttpError';
  return Object.assign(error, { statusCode: outcome.status, isRetryable: outcome.isRetryable });
}

type Ending = Pick<StepFinish, 'status' | 'error'>;

/** The step's status by the table of stream situations. */
function endOf(outcome: ExchangeOutcome): Ending {
  const { answer, thrown, status } = outcome;
  if (status === null) return { status: isAbort(thrown) ? 'interrupted' : 'error', error: thrown };
  if (status >= 400) return { status: 'error', error: statusToError(outcome) };
  if (answer !== null && answer.error !== null)
    return { status: isAbort(answer.error) ? 'interrupted' : 'error', error: answer.error };
  // An answer that was called off where it was computed is over, and not whole.
  if (answer?.finishReason?.raw === 'cancelled') return { status: 'interrupted' };
  if (answer?.isFinished === true) return { status: 'completed' };
  if (thrown !== null) return { status: isAbort(thrown) ? 'interrupted' : 'error', error: thrown };
  if (outcome.isLeft && !outcome.isWhole) return { status: 'interrupted' };
  if (!outcome.isWhole) return { status: 'error', error: new Error('the answer ended before it was whole') };
  return { status: outcome.isEventStream && answer !== null ? 'interrupted' : 'completed' };
}

/** How a step ends whose only record is its exchange. */
export function outcomeToFinish(outcome: ExchangeOutcome, isWithheld: boolean): StepFinish {
  const { answer } = outcome;
  const end = endOf(outcome);
  const first = outcome.firstOutputMs === null ? {} : { timeToFirstTokenMs: outcome.firstOutputMs };
  if (answer === null) return { ...end, ...first, usage: null };
  // What was left half-way reported no usage that could be believed.
  const isCounted = end.status !== 'interrupted';
  return {
    ...end,
    ...first,
    ...(isWithheld
      ? { outputsWithheld: true }
      : answer.parts.length === 0 && end.status !== 'completed'
        ? {}
        : { response: answer.parts }),
    ...(answer.model === null ? {} : { model: answer.model }),
    ...(answer.responseId === null ? {} : { providerResponseId: answer.responseId }),
    ...(answer.finishReason === null ? {} : { finishReason: answer.finishReason }),
    usage: isCounted ? answer.usage : null,
    ...(isCounted && answer.usageRaw !== undefined ? { usageRaw: answer.usageRaw } : {}),
    ...(isCounted && answer.cost !== null ? { cost: answer.cost } : {}),
    ...(outcome.isEventStream ? { stream: toSummary(answer, end, outcome.timing) } : {}),
  };
}

const isOfType = (part: unknown, type: string): boolean => toFields(part)?.['type'] === type;

function toSummary(answer: Answer, end: Ending, chunkTiming: ChunkTiming | null): NonNullable<StepFinish['stream']> {
  return {
    finishReason: answer.finishReason?.unified ?? null,
    textDeltas: answer.textDeltas,
    toolCalls: answer.parts.filter((part) => isOfType(part, 'tool-call')).length,
    sources: answer.parts.filter((part) => isOfType(part, 'source')).length,
    warnings: 0,
    errors: end.error === undefined ? 0 : 1,
    parts: answer.parts.length,
    lastError: end.error instanceof Error ? end.error.message : null,
    chunkTiming,
  };
}
