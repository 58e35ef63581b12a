import type {
  AttemptFinish,
  AttemptRecorder,
  BodyInput,
  RunRecorder,
  StepFinish,
  StepRecorder,
} from '../../../core/record/recording.ts';
import { isAbort } from '../../../core/record/failure.ts';
import type { Privacy } from '../privacy.ts';
import type { CallOptions, Fields, Model } from '../vendor.ts';
import { toFields, toText } from '../vendor.ts';
import type { Answer, AnswerFold } from './answer.ts';
import { toRecordedUsage } from './spending.ts';

/** One model call about to be recorded. */
export interface CallStart {
  readonly run: RunRecorder;
  readonly model: Model;
  readonly operation: 'generate' | 'stream';
  /** What the model is called with. */
  readonly options: CallOptions;
  readonly name: string;
  /** What the step says of its part in the mixture. */
  readonly moa: Fields;
  readonly privacy: Privacy;
}

/** The record of one model step. Its call may be tried again: each try is an attempt, the best end stands. */
export interface RecordedCall {
  readonly step: StepRecorder;
  /** Makes one try inside the step's scope. The caller ends it by one of the three. */
  attempt<T>(execute: () => T): T;
  complete(answer: Answer, fold: AnswerFold | null, wire?: Fields): void;
  /** `fold`: what a stream had said before. */
  fail(error: unknown, fold: AnswerFold | null): void;
}

const settingNames = [
  ...['maxOutputTokens', 'temperature', 'topP', 'topK', 'presencePenalty', 'frequencyPenalty'],
  ...['stopSequences', 'seed', 'reasoning', 'toolChoice', 'responseFormat', 'providerOptions'],
];

/** The family of a provider: `openai` of `openai.chat`. */
export function toProvider(provider: string): string {
  return provider.split('.')[0]!;
}

/** `provider:model`, as traces and guidance name a model. */
export function modelToLabel({ provider, modelId }: Pick<Model, 'provider' | 'modelId'>): string {
  return `${toProvider(provider)}:${modelId}`;
}

function begin({ run, model, operation, options, name, moa, privacy }: CallStart): StepRecorder {
  const settings = settingNames.filter((one) => options[one] !== undefined).map((one) => [one, options[one]] as const);
  const provider = toProvider(model.provider);
  const step = run.step({
    kind: 'model',
    operation,
    name,
    provider,
    model: model.modelId,
    messages: privacy.record(options.prompt),
    ...(options.tools === undefined ? {} : { tools: options.tools }),
    ...(settings.length === 0 ? {} : { options: privacy.record(Object.fromEntries(settings)) }),
    metadata: { moa, ...(provider === model.provider ? {} : { sdkProvider: model.provider }) },
  });
  // The bytes on the wire are as the models say them: under privacy they are not kept.
  if (privacy.mode !== 'off') step.withhold({ inputs: true, outputs: true });
  return step;
}

function answerToFinish(answer: Answer, privacy: Privacy): Omit<StepFinish, 'status'> {
  const { warnings, providerMetadata } = answer;
  const hasWarnings = Array.isArray(warnings) && warnings.length > 0;
  const metadata = {
    ...(hasWarnings ? { warnings: privacy.record(warnings) } : {}),
    ...(providerMetadata === undefined ? {} : { providerMetadata: privacy.record(providerMetadata) }),
  };
  return {
    response: privacy.record(answer.content),
    ...(answer.finishReason === null ? {} : { finishReason: answer.finishReason }),
    usage: toRecordedUsage(answer.usage),
    usageRaw: toFields(answer.usage)?.['raw'],
    ...(answer.modelId === null ? {} : { model: answer.modelId }),
    ...(answer.responseId === null ? {} : { providerResponseId: answer.responseId }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

/** How a stream went; under privacy without the words of its errors. */
function foldToFinish(fold: AnswerFold | null, privacy: Privacy): Partial<StepFinish> {
  if (fold === null) return {};
  const summary = fold.summary();
  const stream = { ...summary, lastError: privacy.record(summary.lastError) };
  return { stream, timeToFirstTokenMs: fold.firstOutputMs };
}

/** What the SDK itself says of a round trip, where nobody sees the wire. */
function toAttemptFinish(wire: Fields | undefined): AttemptFinish {
  const headers = toFields(toFields(wire?.['response'])?.['headers']);
  const bodyOf = (side: string): { body: BodyInput } | null => {
    const body = toFields(wire?.[side])?.['body'];
    if (body === undefined || body === null) return null;
    const data = typeof body === 'string' ? body : JSON.stringify(body);
    return { body: { data, contentType: 'application/json' } };
  };
  const request = bodyOf('request');
  return {
    status: 'completed',
    ...(headers === null ? {} : { headers: headers as Record<string, string> }),
    ...bodyOf('response'),
    ...(request === null ? {} : { request }),
  };
}

function failAttempt(attempt: AttemptRecorder | null, error: unknown): void {
  if (attempt === null || attempt.claimed || attempt.finished) return;
  const fields = toFields(error);
  const status = fields?.['statusCode'];
  const body = toText(fields?.['responseBody']);
  attempt.finish({
    status: 'failed',
    error,
    responseStatus: typeof status === 'number' ? status : null,
    ...(body === null ? {} : { body: { data: body, contentType: null } }),
  });
}

/** The same failure with the words that may be kept. */
function toKeptError(error: unknown, privacy: Privacy): unknown {
  if (privacy.mode === 'off') return error;
  const { statusCode, code, isRetryable } = (toFields(error) ?? {}) as Fields;
  const kept = new Error(privacy.record(error instanceof Error ? error.message : String(error)));
  if (error instanceof Error) kept.name = error.name;
  return Object.assign(kept, { statusCode, code, isRetryable });
}

/** Begins the record of a model step: its start is in the journal when this returns (I3). */
export function recordCall(start: CallStart): RecordedCall {
  const { privacy } = start;
  const step = begin(start);
  let attempt: AttemptRecorder | null = null;
  return {
    step,
    attempt(execute) {
      attempt = step.attempt();
      return step.within(execute);
    },
    complete(answer, fold, wire) {
      const said = privacy.mode === 'off' ? wire : undefined;
      if (attempt !== null && !attempt.claimed) attempt.finish(toAttemptFinish(said));
      step.finish({ status: 'completed', ...answerToFinish(answer, privacy), ...foldToFinish(fold, privacy) });
    },
    fail(error, fold) {
      const kept = toKeptError(error, privacy);
      failAttempt(attempt, kept);
      step.finish({
        ...(fold === null ? {} : answerToFinish(fold.answer(), privacy)),
        ...foldToFinish(fold, privacy),
        status: isAbort(error) ? 'interrupted' : 'error',
        error: kept,
      });
    },
  };
}
