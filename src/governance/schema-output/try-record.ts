import type { RunRecorder, StepFinish, StepRecorder, StepStart } from '../../core/record/recording.ts';
import { isAbort } from '../../core/record/failure.ts';
import type { ModelAnswer } from './model-call.ts';
import { usageOf } from './model-call.ts';

/** What the record says of the model that is asked, where the step is ours. */
export type StepWords = Pick<StepStart, 'name' | 'provider' | 'model' | 'tools' | 'options' | 'parentStepId'>;

/** The record of one try. */
export interface TryRecord {
  /** Runs the call where it is recorded. An answer or failure that nobody waits for any more is recorded all the same. */
  ask(call: () => Promise<ModelAnswer>): Promise<ModelAnswer>;
  /** The caller waits no longer. */
  leave(): void;
  /** What became of the answer, as a log event at the step. */
  log(verdict: Readonly<Record<string, unknown>>): void;
}

/** Type of the log event that says what became of an answer. */
export const tryLogType = 'schema-try';

function answerToFinish(answer: ModelAnswer, textCharsMax: number): StepFinish {
  const { text, finishReason, usageRaw, cost, provider, model, providerResponseId } = answer;
  // A cut would come before the redaction, so what is too long is told by its length alone (I4).
  const isShown = text.length <= textCharsMax;
  return {
    status: 'completed',
    ...(isShown ? { response: [{ type: 'text', text }] } : { outputsWithheld: true }),
    ...(finishReason == null
      ? {}
      : {
          finishReason: typeof finishReason === 'string' ? { unified: finishReason, raw: finishReason } : finishReason,
        }),
    ...(provider == null ? {} : { provider }),
    ...(model == null ? {} : { model }),
    ...(providerResponseId == null ? {} : { providerResponseId }),
    ...(usageRaw === undefined ? {} : { usageRaw }),
    usage: usageOf(answer),
    cost: cost ?? null,
  };
}

/** Records the try as a model step of its own. */
function recordStep(step: StepRecorder, textCharsMax: number): TryRecord {
  return {
    async ask(call) {
      try {
        const answer = await step.within(call);
        step.finish(answerToFinish(answer, textCharsMax));
        return answer;
      } catch (error) {
        step.finish({ status: isAbort(error) ? 'interrupted' : 'error', error });
        throw error;
      }
    },
    leave: () => step.finish({ status: 'interrupted' }),
    log: (verdict) => step.within(() => step.run.log(tryLogType, verdict)),
  };
}

/** What a try is recorded by. */
export interface TryPlace {
  readonly run: RunRecorder;
  /** The call is recorded by a capture: no step is made here. */
  readonly isCaptured: boolean;
  readonly words: StepWords;
  /** Longer answers are withheld from the record, in characters. */
  readonly textCharsMax: number;
}

/** Begins the record of a try: where the step is ours, it is in the journal before the model is called (I3). */
export function beginTry(
  place: TryPlace,
  messages: readonly unknown[],
  metadata: Readonly<Record<string, unknown>>,
): TryRecord {
  const { run, words } = place;
  if (place.isCaptured)
    return {
      ask: (call) => run.within(call),
      leave: () => undefined,
      log: (verdict) => run.log(tryLogType, verdict),
    };
  return recordStep(
    run.step({ kind: 'model', operation: 'generate', ...words, messages, metadata }),
    place.textCharsMax,
  );
}
