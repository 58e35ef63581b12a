import { TachographError } from '../core/error.ts';
import type { RedactOptions } from '../core/redact/options.ts';
import type { RecordedError, StepView } from '../core/model/step.ts';
import type { Comparer } from './comparison.ts';
import { createComparer } from './comparison.ts';
import type { Gap } from './divergence.ts';
import { gapToError } from './divergence.ts';
import type { ModelLedger } from './model-ledger.ts';
import { createModelLedger, isLanguageStep } from './model-ledger.ts';
import { callToRequest } from './model-request.ts';
import type { RecordedRun } from './recorded-run.ts';
import type { ModelAnswer } from './recorded-answer.ts';
import { answerToChunks, isLateReference, readAnswer, stepToAnswer } from './recorded-answer.ts';

/** What takes the place of an answer that was not recorded word for word; `undefined` for none. */
export type StandIn = (gap: Gap) => unknown;

/** How a run is replayed. */
export interface ReplayOptions {
  /** The redaction options that the run was recorded under, when it had any. */
  readonly redact?: RedactOptions;
  /** Asked for answers and results that were redacted, withheld or only digested. A model's: its list of content parts. */
  readonly standIn?: StandIn;
  /** How long an answer that was cut short in the recording waits to be cut short again. Default 2,000 ms. */
  readonly patienceMs?: number;
}

/** How one model of a run is replayed. */
export interface ReplayModelOptions extends ReplayOptions {
  /** Only the calls of this model, `provider:model`, are answered: for the members of a mixture. Default: all calls. */
  readonly of?: string;
}

/** A model of the AI SDK (`LanguageModelV4`) that answers from a recording. */
export interface ReplayModel {
  readonly specificationVersion: 'v4';
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: Record<string, RegExp[]>;
  doGenerate(call: object): PromiseLike<ReplayAnswer>;
  doStream(call: object): PromiseLike<{ stream: ReadableStream<never> }>;
  /** Throws what went wrong first, and `replay-diverged` while recorded model calls have not been made. */
  assertDone(): void;
}

/** A whole answer, in the form that the SDK asks of its models. */
export interface ReplayAnswer {
  content: never[];
  finishReason: { unified: never; raw: string | undefined };
  usage: never;
  warnings: never[];
  response: { id?: string; modelId?: string; timestamp: Date };
  providerMetadata?: never;
}

type Fields = Readonly<Record<string, unknown>>;

/** The error of a recorded call, as the SDK's own: it is not tried again, since the record has what came of trying. */
function toProviderError(error: RecordedError): Error {
  const whole = Object.assign(new Error(error.message), {
    statusCode: error.status ?? undefined,
    code: error.code ?? undefined,
    isRetryable: false,
    [Symbol.for('vercel.ai.error')]: true,
    [Symbol.for('vercel.ai.error.AI_APICallError')]: true,
  });
  whole.name = error.name;
  return whole;
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

function whenAborted(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal === undefined) return;
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}

interface Ready {
  readonly step: StepView;
  readonly answer: ModelAnswer;
}

interface Parts {
  readonly recorded: RecordedRun;
  readonly comparer: Comparer;
  readonly ledger: ModelLedger;
  readonly options: ReplayOptions;
}

/** What follows the recorded part of an answer that was cut short: the same cut, or a loud end. */
async function endCut(of: Parts, step: StepView, signal: AbortSignal | undefined): Promise<never> {
  const late = Symbol('late');
  const reason = await Promise.race([whenAborted(signal), delay(of.options.patienceMs ?? 2000).then(() => late)]);
  if (reason !== late) throw reason;
  const gap = { runId: of.recorded.run.id, stepNumber: step.number, field: 'answer', why: 'was cut short' };
  throw of.ledger.fail(gapToError(gap));
}

async function findAnswer(of: Parts, call: object): Promise<Ready> {
  const { recorded, ledger, options, comparer } = of;
  const step = await ledger.take(callToRequest(call as Fields, comparer));
  if (step.error !== null && (step.status === 'error' || isLateReference(step, step.error)))
    throw toProviderError(step.error);
  if (step.status === 'interrupted' && step.responseId === null)
    await endCut(of, step, (call as { abortSignal?: AbortSignal }).abortSignal);
  const read = await readAnswer(recorded, step);
  if ('content' in read) return { step, answer: stepToAnswer(step, read.content) };
  const gap: Gap = { runId: recorded.run.id, stepNumber: step.number, ...read };
  const given = options.standIn?.(gap);
  if (!Array.isArray(given)) throw ledger.fail(gapToError(gap));
  return { step, answer: stepToAnswer(step, given as Fields[]) };
}

/** Chunks one by one, each in a turn of its own, so that a reader can leave between any two as it could in life. */
function toStream(of: Parts, { step, answer }: Ready, signal: AbortSignal | undefined): ReadableStream<never> {
  const isWhole = step.status === 'completed';
  const chunks = answerToChunks(answer, isWhole);
  return new ReadableStream<never>(
    {
      async pull(controller) {
        await new Promise((resolve) => void setImmediate(resolve));
        if (signal?.aborted === true) return controller.error(signal.reason);
        const { done, value } = chunks.next();
        if (done !== true) return controller.enqueue(value as never);
        if (isWhole) return controller.close();
        await endCut(of, step, signal).catch((error: unknown) => controller.error(error));
      },
    },
    { highWaterMark: 0 },
  );
}

function toLabel({ provider, requestedModel, model }: StepView): string {
  return `${(provider ?? 'recorded').split('.')[0]!}:${requestedModel ?? model ?? 'recorded'}`;
}

/** The recorded calls of one model, or of all. */
function findSteps(recorded: RecordedRun, label: string | undefined): readonly StepView[] {
  const steps = recorded.steps.filter(isLanguageStep);
  const found = label === undefined ? steps : steps.filter((step) => toLabel(step) === label);
  if (found.length > 0 || label === undefined) return found;
  const labels = [...new Set(steps.map(toLabel))].join(', ');
  throw new TachographError(
    'replay-not-recorded',
    `Run ${recorded.run.id} has no call of the model ${JSON.stringify(label)}; it has calls of ${labels || 'none'}.`,
  );
}

/**
 * A language model for the AI SDK (version 7) that answers the calls of one run from its recording, whole or as a stream,
 * by step order and by what was asked. Asks no network. Rejects with `replay-diverged` at the first call that was not
 * recorded so, and from then on; with `replay-not-recorded` where the answer was not kept word for word.
 */
export function replayModel(recorded: RecordedRun, options: ReplayModelOptions = {}): ReplayModel {
  const comparer = createComparer(options.redact);
  const steps = findSteps(recorded, options.of);
  const of: Parts = { recorded, comparer, options, ledger: createModelLedger(recorded, steps, comparer) };
  const first = steps[0];
  return {
    specificationVersion: 'v4',
    provider: `${first?.provider ?? 'recorded'}.replay`,
    modelId: first?.requestedModel ?? first?.model ?? 'recorded',
    // Every URL is left as it is in the prompt: nothing is downloaded in a replay.
    supportedUrls: { '*/*': [/.*/] },
    async doGenerate(call) {
      const ready = await findAnswer(of, call);
      const { abortSignal } = call as { abortSignal?: AbortSignal };
      if (ready.step.status !== 'completed') await endCut(of, ready.step, abortSignal);
      return ready.answer as never;
    },
    async doStream(call) {
      const ready = await findAnswer(of, call);
      return { stream: toStream(of, ready, (call as { abortSignal?: AbortSignal }).abortSignal) };
    },
    assertDone() {
      if (of.ledger.failure !== null) throw of.ledger.failure;
      const [next] = of.ledger.left();
      if (next === undefined) return;
      throw new TachographError(
        'replay-diverged',
        `The replay of run ${recorded.run.id} ended before step ${next.number}: ${of.ledger.left().length} of its model calls were not made.`,
      );
    },
  };
}
