import { isAbort } from '../../core/record/failure.ts';
import type { RunRecorder } from '../../core/record/recording.ts';
import type { Asked, FanOutSettings } from './fan-out.ts';
import type { Reference } from './members.ts';
import type { Answer, AnswerFold } from './record/answer.ts';
import { createAnswerFold, resultToAnswer } from './record/answer.ts';
import type { RecordedCall } from './record/model-call.ts';
import { modelToLabel, recordCall, toProvider } from './record/model-call.ts';
import type { Spending } from './record/spending.ts';
import { answerToSpending, failureToSpending } from './record/spending.ts';
import type { Schedule } from './schedule.ts';
import type { CallOptions, Fields, Part } from './vendor.ts';
import { textOfParts } from './vendor.ts';

/** One reference about to be asked. */
export interface ReferenceCall {
  readonly settings: FanOutSettings;
  readonly reference: Reference;
  readonly index: number;
  readonly options: CallOptions;
  readonly run: RunRecorder;
  readonly iteration: number;
  /** The caller's own signal. */
  readonly signal: AbortSignal | undefined;
}

interface Said {
  readonly answer: Answer;
  readonly fold: AnswerFold | null;
  readonly wire?: Fields;
}

/** Rejects when the caller aborts or the time is up; what was asked goes on by itself. */
function createDeadline(
  caller: AbortSignal | undefined,
  timeoutMs: number,
  schedule: Schedule,
): { readonly signal: AbortSignal; readonly passed: Promise<never>; stop(): void } {
  const own = new AbortController();
  const late = (): void => own.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'));
  const follow = (): void => own.abort(caller!.reason);
  const cancel = schedule(late, timeoutMs);
  caller?.addEventListener('abort', follow, { once: true });
  const passed = new Promise<never>((_resolve, reject) => {
    own.signal.addEventListener('abort', () => reject(own.signal.reason as Error), { once: true });
  });
  passed.catch(() => undefined);
  return {
    signal: own.signal,
    passed,
    stop() {
      cancel();
      caller?.removeEventListener('abort', follow);
    },
  };
}

async function readStream(
  call: ReferenceCall,
  options: CallOptions,
  into: { readonly fold: AnswerFold; readonly onWords: (words: string) => void },
): Promise<Said> {
  const { clock } = call.settings;
  const { fold, onWords } = into;
  const { stream } = await call.reference.model.doStream(options);
  for await (const part of stream as AsyncIterable<Part> & typeof stream) {
    fold.add(part, clock.monotonicMs());
    if (part.type === 'text-delta' && typeof part['delta'] === 'string') onWords(part['delta']);
    if (fold.failure !== null) throw fold.failure.error;
  }
  if (!fold.isFinished) throw new Error('the stream ended before its answer did');
  return { answer: fold.answer(), fold };
}

async function readWhole(call: ReferenceCall, options: CallOptions): Promise<Said> {
  const result = await call.reference.model.doGenerate(options);
  return { answer: resultToAnswer(result), fold: null, wire: result };
}

function toAsked(call: ReferenceCall, text: string | null, spending: Spending): Asked {
  const { provider, modelId } = call.reference.model;
  return {
    advice: { label: modelToLabel(call.reference.model), text },
    spending,
    traced: {
      provider: toProvider(provider),
      model: modelId,
      temperature: call.options.temperature ?? null,
      inputMessages: call.options.prompt,
      output: text,
      ...spending,
    },
  };
}

/** The record of a reference's step, begun. */
function beginRecord({ settings, reference, index, options, run, iteration }: ReferenceCall): RecordedCall {
  const { model, stream } = reference;
  const label = modelToLabel(model);
  const moa = { role: 'reference', preset: settings.presetName, label, index, iteration };
  const operation = stream ? 'stream' : 'generate';
  return recordCall({ run, model, operation, options, name: label, moa, privacy: settings.privacy });
}

/**
 * Asks one reference and records it. It never rejects: a failure is advice without a text. An answer that comes after the
 * abort or the deadline is recorded in its turn all the same, and changes the advice no more.
 */
export async function askReference(call: ReferenceCall, onWords: (words: string) => void): Promise<Asked> {
  const { settings, reference } = call;
  const { tell, clock, prices } = settings;
  const label = modelToLabel(reference.model);
  tell({ type: 'reference', label, status: 'begun' });
  const record = beginRecord(call);
  const timeMs = clock.nowMs();
  const deadline = createDeadline(call.signal, settings.preset.referenceTimeoutMs, settings.schedule);
  const options = { ...call.options, abortSignal: deadline.signal };
  const fold = reference.stream ? createAnswerFold(clock.monotonicMs()) : null;
  const told = record.attempt(async () =>
    fold === null ? readWhole(call, options) : readStream(call, options, { fold, onWords }),
  );
  const complete = (said: Said): Said => {
    record.complete(said.answer, said.fold, said.wire);
    return said;
  };
  try {
    const { answer } = complete(await Promise.race([told, deadline.passed]));
    const text = textOfParts(answer.content);
    const spending = answerToSpending(answer, reference.model, { timeMs, prices });
    tell({ type: 'reference', label, status: text === '' ? 'failed' : 'completed' });
    return toAsked(call, text === '' ? null : text, spending);
  } catch (error) {
    record.fail(error, fold);
    // Who is late is still heard by the record: its words and its cost belong to the turn.
    if (deadline.signal.aborted) void told.then(complete, () => undefined);
    tell({ type: 'reference', label, status: isAbort(error) && call.signal?.aborted === true ? 'skipped' : 'failed' });
    return toAsked(call, null, failureToSpending(error, prices));
  } finally {
    deadline.stop();
  }
}
