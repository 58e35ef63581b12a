import type { Clock } from '../../core/clock.ts';
import { errorToEndReason } from '../../core/record/failure.ts';
import type { RunClose } from '../../core/record/recording.ts';
import type { Answer, AnswerFold } from './record/answer.ts';
import { createAnswerFold, resultToAnswer } from './record/answer.ts';
import type { RecordedCall } from './record/model-call.ts';
import { tapStream } from './record/tapped-stream.ts';
import type { CallOptions, Fields, GenerateResult, Model, Part, StreamResult } from './vendor.ts';
import { textOfParts, toFields } from './vendor.ts';

/** How a try of the aggregator ended. */
export interface AggregatorEnd {
  /** What it said, also before it failed; `null`: nothing. */
  readonly answer: Answer | null;
  /** What was thrown or told; `null` when it answered. */
  readonly failure: { readonly error: unknown } | null;
  readonly close: RunClose;
  /** Nothing of the turn is expected to follow. */
  readonly isLast: boolean;
}

/** One try of the aggregator about to be made. */
export interface AggregatorCall {
  readonly model: Model;
  readonly options: CallOptions;
  readonly record: RecordedCall;
  readonly clock: Clock;
  /** What the answer says of the turn, under `providerMetadata.tachograph`; asked when it has come. */
  readonly metadata: () => Fields;
  /** Told once how it ended. */
  readonly onEnd: (end: AggregatorEnd) => void;
}

/** True when the answer asks its caller for a tool: the same turn goes on with the result. */
function asksForTool({ content, finishReason }: Answer): boolean {
  return (
    finishReason?.unified === 'tool-calls' ||
    content.some(({ type, providerExecuted }) => type === 'tool-call' && providerExecuted !== true)
  );
}

function answerToEnd(answer: Answer): AggregatorEnd {
  const output = textOfParts(answer.content);
  return {
    answer,
    failure: null,
    close: { endReason: 'ok', ...(output === '' ? {} : { output }) },
    isLast: !asksForTool(answer),
  };
}

function errorToEnd(error: unknown, answer: Answer | null): AggregatorEnd {
  // Whoever retries does so for what is worth another try; a stream that broke is not tried again.
  const isLast = answer !== null || toFields(error)?.['isRetryable'] !== true;
  return { answer, failure: { error }, close: { endReason: errorToEndReason(error), error }, isLast };
}

function withMetadata<T extends Fields>(result: T, metadata: Fields): T {
  return { ...result, providerMetadata: { ...toFields(result['providerMetadata']), tachograph: metadata } };
}

/** Lets the aggregator answer whole. What it throws is recorded and thrown on unchanged. */
export async function generateAnswer(call: AggregatorCall): Promise<GenerateResult> {
  const { model, options, record } = call;
  let result: GenerateResult;
  try {
    result = await record.attempt(() => model.doGenerate(options));
  } catch (error) {
    record.fail(error, null);
    call.onEnd(errorToEnd(error, null));
    throw error;
  }
  const answer = resultToAnswer(result);
  record.complete(answer, null, result);
  const answered = withMetadata(result, call.metadata());
  call.onEnd(answerToEnd(answer));
  return answered;
}

type StreamEnding = Parameters<Parameters<typeof tapStream>[1]['end']>[0];

/** What a stream's ending is, when it ended before its answer; `null`: it is all there. */
function toFailure(fold: AnswerFold, how: StreamEnding): { readonly error: unknown } | null {
  if (fold.failure !== null) return fold.failure;
  if (how.kind === 'broken') return { error: how.error };
  if (fold.isFinished) return null;
  if (how.kind === 'eof') return { error: new Error('the stream ended before its answer did') };
  return { error: how.reason ?? new DOMException('the stream was left before its end', 'AbortError') };
}

/** Ends the record of a stream, once, however it ended. */
function createStreamEnd({ record, onEnd, options }: AggregatorCall, fold: AnswerFold): (how: StreamEnding) => void {
  const { abortSignal } = options;
  let isOver = false;
  const end = (how: StreamEnding): void => {
    if (isOver) return;
    isOver = true;
    abortSignal?.removeEventListener('abort', onAbort);
    const answer = fold.answer();
    const failure = toFailure(fold, how);
    if (failure === null) record.complete(answer, fold);
    else record.fail(failure.error, fold);
    onEnd(failure === null ? answerToEnd(answer) : errorToEnd(failure.error, answer));
  };
  // A provider that is deaf to the signal goes on talking to nobody.
  const onAbort = (): void => end({ kind: 'left', reason: abortSignal?.reason });
  abortSignal?.addEventListener('abort', onAbort, { once: true });
  return end;
}

/** Lets the aggregator answer as a stream, which passes through as it comes, with `metadata` in its finish part. */
export async function streamAnswer(call: AggregatorCall): Promise<StreamResult> {
  const { model, options, record, clock } = call;
  const fold = createAnswerFold(clock.monotonicMs());
  let result: StreamResult;
  try {
    result = await record.attempt(() => model.doStream(options));
  } catch (error) {
    record.fail(error, null);
    call.onEnd(errorToEnd(error, null));
    throw error;
  }
  const part = (one: Part): Part => {
    fold.add(one, clock.monotonicMs());
    return one.type === 'finish' ? withMetadata(one, call.metadata()) : one;
  };
  return { ...result, stream: tapStream(result.stream, { part, end: createStreamEnd(call, fold) }) };
}
