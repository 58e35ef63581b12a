import type { Clock } from '../../core/clock.ts';
import { elapsedMs } from '../../core/clock.ts';
import type { StepStatus } from '../../core/model/step.ts';
import type { Usage } from '../../core/model/usage.ts';
import { isAbort } from '../../core/record/failure.ts';
import type { StepFinish, StepRecorder } from '../../core/record/recording.ts';
import { createAnswer } from './answer.ts';
import type { Outcome } from './outcome.ts';
import { extendPrompt, isSamePrompt } from './prompt.ts';
import type { Withheld } from './shape.ts';
import { callUsageToUsage } from './usage.ts';
import type { Fields } from './vendor.ts';
import { toFields, toList, toText } from './vendor.ts';

/** One call of a model's interface: a step from before it leaves until its answer was read. */
export interface ModelCall {
  readonly id: string;
  readonly step: StepRecorder;
  /** What the model was sent, as far as is known: the messages recorded, or the exact ones when they differ. */
  readonly prompt: readonly unknown[];
  addChunk(type: string, payload: Fields): void;
  /** The exact messages, and the request's body, which Mastra tells when the answer begins. */
  sawRequest(payload: Fields): void;
  /** What it failed with, if its end does not say it. */
  sawError(error: unknown): void;
  /** How it ends with the chunk `step-finish`; `usage` where it was read elsewhere. */
  toFinish(payload: Fields, usage?: Usage | null): StepFinish;
  /** How it ends when that chunk never comes, by how the run came out. */
  toSettled(outcome: Outcome): StepFinish;
  /** The conversation that a further call would go on from. */
  nextPrompt(): readonly unknown[];
}

interface CallStart {
  readonly id: string;
  readonly step: StepRecorder;
  readonly clock: Clock;
  readonly withheld: Withheld;
  readonly messages: readonly unknown[];
}

/** A body that asks for a stream, as the wire formats with such a field say it. */
function asksForStream(request: Fields | null): boolean {
  const body = request?.['body'];
  if (typeof body === 'string') return /"stream"\s*:\s*true/.test(body);
  return toFields(body)?.['stream'] === true;
}

const isEventStream = (metadata: Fields): boolean =>
  String(toFields(metadata['headers'])?.['content-type'] ?? '').includes('event-stream');

/** Words of an error that crossed a chunk, as an error again. */
function toError(value: unknown): unknown {
  const fields = toFields(value);
  if (value instanceof Error || fields === null) return value;
  const error = new Error(toText(fields['message']) ?? 'an error without words');
  error.name = toText(fields['name']) ?? 'Error';
  return Object.assign(error, {
    ...(fields['statusCode'] === undefined ? {} : { statusCode: fields['statusCode'] }),
    ...(fields['isRetryable'] === undefined ? {} : { isRetryable: fields['isRetryable'] }),
  });
}

/** A call that leaves now: its step has begun. */
export function createModelCall({ id, step, clock, withheld, messages }: CallStart): ModelCall {
  const sinceMs = clock.monotonicMs();
  const answer = createAnswer();
  let prompt = messages;
  let isStream = false;
  let failure: { error: unknown } | null = null;

  const fromStart = (atMs: number | null): number | null =>
    atMs === null ? null : Math.max(0, Math.round((atMs - sinceMs) * 1000) / 1000);

  const timing = (finishReason: string | null): Partial<StepFinish> =>
    isStream
      ? { timeToFirstTokenMs: fromStart(answer.firstMs), stream: answer.summary(finishReason) }
      : { timeToFirstTokenMs: null };

  const words = (): Partial<StepFinish> =>
    withheld.outputs ? { outputsWithheld: true } : answer.parts().length === 0 ? {} : { response: answer.parts() };

  const statusFor = (error: unknown): Exclude<StepStatus, 'in_progress'> => (isAbort(error) ? 'interrupted' : 'error');

  const served = (metadata: Fields): Partial<StepFinish> => {
    const model = toText(metadata['modelId']) ?? answer.modelId;
    const providerResponseId = toText(metadata['id']) ?? answer.responseId;
    return {
      ...(model === undefined ? {} : { model }),
      ...(providerResponseId === undefined ? {} : { providerResponseId }),
    };
  };

  return {
    id,
    step,
    get prompt() {
      return prompt;
    },
    addChunk: (type, payload) => answer.add(type, payload, clock.monotonicMs()),
    sawRequest(payload) {
      isStream ||= asksForStream(toFields(payload['request']));
      const exact = payload['inputMessages'];
      if (!Array.isArray(exact) || withheld.inputs || isSamePrompt(prompt, exact)) return;
      prompt = exact as unknown[];
      // Known only now: the step began with the messages as they were known before it left.
      step.within(() => step.run.log('model-prompt', { messages: prompt }));
    },
    sawError: (error) => void (failure ??= { error }),
    toFinish(payload, given) {
      const metadata = toFields(payload['metadata']) ?? {};
      const result = toFields(payload['stepResult']) ?? {};
      const { providerMetadata } = metadata;
      isStream ||= isEventStream(metadata);
      const reason = toText(result['reason']) ?? null;
      const read = callUsageToUsage(toFields(payload['output'])?.['usage'], providerMetadata);
      const usage = given === undefined ? read.usage : given;
      const error = answer.error ?? failure;
      const warnings = toList(result['warnings']);
      const said = {
        ...(warnings.length === 0 ? {} : { warnings }),
        ...(providerMetadata === undefined || withheld.outputs ? {} : { providerMetadata }),
      };
      const isFailed = reason === 'error' || error !== null;
      const thrown = toError(error?.error ?? new Error('the model call failed'));
      const durationMs = fromStart(answer.lastMs);
      return {
        status: isFailed ? statusFor(thrown) : 'completed',
        ...(isFailed ? { error: thrown } : served(metadata)),
        ...words(),
        ...(reason === null ? {} : { finishReason: { unified: reason, raw: toText(result['rawReason']) ?? null } }),
        ...(usage === null ? {} : { usage }),
        ...(read.raw === undefined || usage === null ? {} : { usageRaw: read.raw }),
        ...(durationMs === null ? {} : { durationMs }),
        ...timing(reason),
        ...(Object.keys(said).length === 0 ? {} : { metadata: said }),
      };
    },
    toSettled(outcome) {
      const error = answer.error ?? failure ?? (outcome.kind === 'failed' ? outcome : null);
      const ended = { ...words(), ...served({}), ...timing(null), durationMs: elapsedMs(clock, sinceMs) };
      if (error !== null) return { ...ended, status: statusFor(toError(error.error)), error: toError(error.error) };
      if (outcome.kind !== 'suspended') return { ...ended, status: 'interrupted' };
      // The answer is whole, or no tool would wait: only its end is told later, when the run is resumed.
      const durationMs = fromStart(answer.lastMs) ?? ended.durationMs;
      const finishReason = { unified: 'tool-calls', raw: null };
      return { ...ended, durationMs, status: 'completed', finishReason, metadata: { suspended: true } };
    },
    nextPrompt: () => extendPrompt(prompt, answer.parts(), answer.results()),
  };
}
