import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { createSafely } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { createSpanBook } from '../spans/span-book.ts';
import { hookConfigure } from './configure-hook.ts';
import { createEnds } from './ends.ts';
import type { LangChainHandler } from './handler.ts';
import { createHandler } from './handler.ts';
import type { Schedule } from './model-steps.ts';
import { createModelSteps, systemSchedule } from './model-steps.ts';
import { createStarts } from './starts.ts';
import { createToolOrigins } from './tool-origins.ts';

/** What may be set of the recording of LangChain. */
export interface LangChainOptions {
  readonly clock?: Clock;
  readonly schedule?: Schedule;
  /** A stream that brings nothing for longer is recorded as interrupted. Default ten minutes. */
  readonly unreadMs?: number;
  /** How often the words of a stream are written before its end, less the last 4 KiB of each. Off when left out. */
  readonly streamFlushMs?: number;
  /** Told of what went wrong in here; the host never is (I1). */
  readonly onError?: (error: unknown) => void;
}

const tenMinutesMs = 10 * 60 * 1000;

function buildHandler(recorder: Recorder, options: LangChainOptions): LangChainHandler {
  const book = createSpanBook(recorder, options.onError);
  const models = createModelSteps(book, {
    clock: options.clock ?? systemClock,
    schedule: options.schedule ?? systemSchedule,
    unreadMs: options.unreadMs ?? tenMinutesMs,
    ...(options.streamFlushMs === undefined ? {} : { streamFlushMs: options.streamFlushMs }),
  });
  book.guard(() => recorder.onClose(() => book.guard(() => models.leave(null))));
  const origins = createToolOrigins();
  const starts = createStarts(book, models, origins);
  return createHandler({ book, models, starts, ends: createEnds(book, models, origins) });
}

const handlerByRecorder = new WeakMap<Recorder, LangChainHandler>();

/**
 * The handler for `callbacks: [tachographHandler(recorder)]`, of any runnable, model, tool or graph. One recorder has one
 * handler, so that no call is recorded twice: asked again, the first one comes back as it is. It never throws (I1).
 */
export function tachographHandler(recorder: Recorder, options: LangChainOptions = {}): LangChainHandler {
  const known = handlerByRecorder.get(recorder);
  if (known !== undefined) return known;
  const handler = buildHandler(recorder, options);
  handlerByRecorder.set(recorder, handler);
  return handler;
}

/**
 * Records every call that this process makes through LangChain from now on, whether or not LangChain is loaded yet: its
 * configure hook finds the handler. A call that brings a handler of Tachograph along is recorded by that one. Returns what
 * undoes it.
 */
export function installLangChain(recorder: Recorder, options: LangChainOptions = {}): () => void {
  if (!recorder.recording) return () => undefined;
  // A global object that cannot be added to: the program runs unrecorded here, and is told (I1).
  return createSafely(options.onError)(
    () => hookConfigure(tachographHandler(recorder, options)),
    () => undefined,
  );
}
