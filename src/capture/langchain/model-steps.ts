import type { Clock } from '../../core/clock.ts';
import { expectedExchanges } from '../../core/record/expected-exchange.ts';
import type { RunRecorder, StepFinish, StepRecorder } from '../../core/record/recording.ts';
import type { OpenSpan } from '../spans/span.ts';
import type { SpanBook } from '../spans/span-book.ts';
import { isCalledOff } from '../spans/abort.ts';
import { createWordMatch } from './word-match.ts';
import type { StreamFold } from './stream-fold.ts';
import { createStreamFold } from './stream-fold.ts';

/** Calls `fn` once after `delayMs` without keeping the process alive; returns what cancels it. */
export type Schedule = (fn: () => void, delayMs: number) => () => void;

/** The machine's timers. */
export const systemSchedule: Schedule = (fn, delayMs) => {
  const timer = setTimeout(fn, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** What streams are timed by. */
export interface StreamTiming {
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** A stream that brings nothing for longer is given up. */
  readonly unreadMs: number;
  /** How often what a stream has said so far is written before its end; left out, it waits for the end. */
  readonly streamFlushMs?: number;
}

/** How long LangChain is given to tell the end of a stream whose exchange was cut, before nobody is taken to read it. */
const leaveGraceMs = 500;

/** Model calls under way. */
export interface ModelSteps {
  /** The model call of a span begins: its HTTP exchange is to come in what follows in this async flow. */
  begin(span: OpenSpan, messages: readonly unknown[]): void;
  token(id: string, token: string, chunk: unknown): void;
  event(id: string, event: unknown): void;
  end(id: string, finish: StepFinish): void;
  fail(id: string, error: unknown): void;
  /** Ends what is still open in a run that ends, with what it has said so far. */
  leave(run: RunRecorder | null): void;
}

interface OpenModel {
  readonly span: OpenSpan;
  readonly step: StepRecorder;
  readonly sinceMs: number;
  readonly fold: StreamFold;
  readonly withdraw: () => void;
  cancelWatch: (() => void) | null;
  cancelLeave: (() => void) | null;
  cancelFlush: (() => void) | null;
}

/** Model calls that are never ended are forgotten past this many. */
const modelsMax = 10_000;

function partialFinish({ fold, sinceMs }: OpenModel, lastError: string | null): Partial<StepFinish> {
  if (!fold.isBegun) return {};
  return {
    response: fold.parts(),
    stream: fold.summary(null, lastError),
    timeToFirstTokenMs: fold.firstMs === null ? null : Math.max(0, fold.firstMs - sinceMs),
  };
}

/** The model calls of one book of spans. */
export function createModelSteps(book: SpanBook, timing: StreamTiming): ModelSteps {
  const { clock, schedule } = timing;
  const modelById = new Map<string, OpenModel>();

  const forget = (id: string, model: OpenModel): void => {
    modelById.delete(id);
    model.withdraw();
    model.cancelWatch?.();
    model.cancelLeave?.();
    model.cancelFlush?.();
  };

  const leave = (id: string): void => {
    const model = modelById.get(id);
    if (model === undefined) return;
    forget(id, model);
    book.finish(id, { status: 'interrupted', ...partialFinish(model, null) });
  };

  /** A stream that brings nothing any more is not read: LangChain tells nobody that its consumer has left. */
  const watch = (id: string, model: OpenModel): void => {
    const quietMs = clock.monotonicMs() - model.fold.lastMs;
    if (quietMs >= timing.unreadMs) return leave(id);
    model.cancelWatch = schedule(() => book.guard(() => watch(id, model)), timing.unreadMs - quietMs);
  };

  const follow = (id: string, model: OpenModel): void => {
    model.cancelWatch ??= schedule(() => book.guard(() => watch(id, model)), timing.unreadMs);
    const { streamFlushMs } = timing;
    if (streamFlushMs === undefined || model.cancelFlush !== null) return;
    model.cancelFlush = schedule(() => {
      model.cancelFlush = null;
      book.guard(() => model.step.partial(model.fold.texts()));
    }, streamFlushMs);
  };

  const withModel = (id: string, fn: (model: OpenModel) => void): void => {
    const model = modelById.get(id);
    if (model !== undefined) book.guard(() => fn(model));
  };

  return {
    begin(span, messages) {
      const step = span.ownStep;
      if (step === null) return;
      const { id } = span;
      step.enter();
      const withdraw = expectedExchanges().expect({
        step,
        matches: createWordMatch(messages),
        onBegin: () => {
          model.cancelLeave?.();
          model.cancelLeave = null;
        },
        onEnd: ({ status }) => {
          if (status !== 'failed' || !model.fold.isBegun || modelById.get(id) !== model) return;
          model.cancelLeave = schedule(() => book.guard(() => leave(id)), leaveGraceMs);
        },
      });
      const sinceMs = clock.monotonicMs();
      const timers = { cancelWatch: null, cancelLeave: null, cancelFlush: null };
      const model: OpenModel = { span, step, sinceMs, fold: createStreamFold(), withdraw, ...timers };
      modelById.set(id, model);
      if (modelById.size > modelsMax) {
        const [oldest] = modelById;
        if (oldest !== undefined) forget(...oldest);
      }
    },
    token: (id, token, chunk) =>
      withModel(id, (model) => {
        model.fold.token(token, chunk, clock.monotonicMs());
        follow(id, model);
      }),
    event: (id, event) =>
      withModel(id, (model) => {
        model.fold.event(event, clock.monotonicMs());
        follow(id, model);
      }),
    end(id, finish) {
      const model = modelById.get(id);
      if (model === undefined) return;
      forget(id, model);
      const { fold, sinceMs } = model;
      const streamed = fold.isBegun && finish.metadata?.['cached'] !== true;
      const stream = streamed ? fold.summary(finish.finishReason?.unified ?? null, null) : undefined;
      const firstMs = streamed && fold.firstMs !== null ? Math.max(0, fold.firstMs - sinceMs) : null;
      book.finish(id, { ...finish, ...(stream === undefined ? {} : { stream, timeToFirstTokenMs: firstMs }) });
    },
    fail(id, error) {
      const model = modelById.get(id);
      if (model === undefined) return;
      forget(id, model);
      const words = error instanceof Error ? error.message : String(error);
      book.finish(id, { status: isCalledOff(error) ? 'interrupted' : 'error', error, ...partialFinish(model, words) });
    },
    leave(run) {
      for (const [id, { span }] of [...modelById]) if (run === null || span.run === run) leave(id);
    },
  };
}
