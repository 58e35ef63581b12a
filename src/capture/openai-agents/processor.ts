import type { Recorder, RunStart, StepFinish, StepRecorder, StepStart } from '../../core/record/recording.ts';
import { setBounded } from '../spans/bounded.ts';
import type { OpenSpan } from '../spans/span.ts';
import type { Capture, CaptureOptions, OfferedRun } from './capture.ts';
import { captureOf, traceToStart } from './capture.ts';
import type { ModelCall } from './model-calls.ts';
import { outputToWords } from './response.ts';
import { toClose } from './span-failure.ts';
import { spanToCalls, spanToFinish, spanToItems, spanToStart } from './span-steps.ts';
import { onInput, toArgs, toToolStart, toolToFinish } from './tool-step.ts';
import type { Fields, TracingProcessor, VendorSpan, VendorTrace } from './vendor.ts';
import { toText } from './vendor.ts';

// What the spans of the SDK are in the record:
//
//   task          the run; begun when its first agent is known. Around it a run may be there already (`installAgents`)
//   agent         a phase of the run, with the agent's name
//   turn          nothing of its own
//   response, generation   a model step, unless the model is recorded itself, or HTTP records it
//   function      a tool step, with what a nested agent does as a child run
//   all others    phases
//
// Spans are told of in the async flow of what they stand for: a step entered here is the scope of the work itself.

/** What may be set of a tracing processor. */
export interface ProcessorOptions extends CaptureOptions {
  /**
   * Who records model calls that no `recordModel` records: `spans`, the default, from what their spans tell, or `http`,
   * when a capture of HTTP records all of them with their messages and answers.
   */
  readonly modelCalls?: 'spans' | 'http';
}

/** Things of traces that never end are forgotten past this many. */
const rememberedMax = 1000;

/** A run whose task is known and whose agent is not. */
interface AwaitedRun {
  readonly parentId: string | null;
  readonly traceId: string;
}

/** A tool whose arguments the SDK has not told yet. */
interface AwaitedTool {
  readonly stop: () => void;
  readonly begin: (input: string | null) => void;
}

/**
 * How a model's step ends. A span that tells what was asked and no answer is that of a stream that was left; one that
 * tells neither was told to keep both to itself.
 */
function toModelFinish(span: VendorSpan): StepFinish {
  const finish = spanToFinish(span);
  if (span.error !== null || finish.response !== undefined) return finish;
  const data = span.spanData as unknown as Fields;
  const isLeft = data['_input'] !== undefined || data['input'] !== undefined;
  return { ...finish, ...(isLeft ? { status: 'interrupted' as const } : { outputsWithheld: true }) };
}

/** What a model's span told at its end. */
interface Answered {
  readonly words: string;
  /** The answer was left or called off before its end. */
  readonly isLeft: boolean;
}

class SpanRecording {
  readonly #capture: Capture;
  readonly #isHttp: boolean;
  readonly #traceById = new Map<string, VendorTrace>();
  readonly #runById = new Map<string, AwaitedRun>();
  readonly #toolById = new Map<string, AwaitedTool>();
  readonly #callById = new Map<string, ModelCall>();
  /** The last answer of a model in a run: its words are the run's output when all goes well. */
  readonly #answerByRun = new Map<string, Answered>();
  readonly #stepsOfSpans = new WeakSet<StepRecorder>();

  constructor(capture: Capture, isHttp: boolean) {
    this.#capture = capture;
    this.#isHttp = isHttp;
  }

  traceStarted(trace: VendorTrace): void {
    setBounded(this.#traceById, [trace.traceId, trace], rememberedMax);
  }

  traceEnded({ traceId }: VendorTrace): void {
    this.#traceById.delete(traceId);
    this.#closeRun(`trace:${traceId}`, { endReason: 'ok' });
  }

  started(span: VendorSpan): void {
    switch (span.spanData.type) {
      case 'task':
        return this.#beginTask(span);
      case 'turn':
        return void this.#begin(span, { as: 'through' });
      case 'function':
        return this.#beginTool(span);
      case 'response':
      case 'generation':
        return this.#beginModel(span);
      default:
        return this.#beginStep(span, spanToStart(span));
    }
  }

  ended(span: VendorSpan): void {
    const { book, calls, asked } = this.#capture;
    const { spanId, spanData, error } = span;
    calls.settle(spanId);
    asked.clear(spanId);
    switch (spanData.type) {
      case 'task':
        return this.#endTask(span);
      case 'turn':
        return book.drop(spanId);
      case 'function':
        return this.#endTool(span);
      case 'response':
      case 'generation':
        return this.#endModel(span);
      default:
        book.finish(spanId, spanToFinish(span));
        if (spanData.type === 'agent' && error !== null) this.#closeRun(`trace:${span.traceId}`, toClose(error));
    }
  }

  #startOf(traceId: string): Partial<RunStart> {
    return traceToStart(this.#traceById.get(traceId) ?? { traceId });
  }

  /** A run for what stands in no run. */
  #lone(span: VendorSpan): Omit<RunStart, 'parent'> {
    const name = toText(this.#traceById.get(span.traceId)?.name) ?? 'agents';
    return { agentId: name, ...this.#startOf(span.traceId) };
  }

  /** The run of a task begins when something is known of it: at the latest with the first thing inside. */
  #openRun(id: string, agentId: string | null): void {
    const awaited = this.#runById.get(id);
    if (awaited === undefined) return;
    this.#runById.delete(id);
    const named = this.#startOf(awaited.traceId);
    const start = { ...named, agentId: agentId ?? named.name ?? 'agents' };
    this.#capture.book.begin({ id, parentId: awaited.parentId, shape: { as: 'run', start }, lone: start });
  }

  #isKnown(id: string | null): id is string {
    return id !== null && (this.#runById.has(id) || this.#capture.book.find(id) !== null);
  }

  /** The span around this one, as far as it is recorded; else the run that `Runner.run` was given. */
  #parentOf(span: VendorSpan): string | null {
    const { book, offers } = this.#capture;
    if (this.#isKnown(span.parentId)) return span.parentId;
    const offer = offers.getStore();
    if (offer !== undefined && book.find(offer.id) !== null) return offer.id;
    const traceRun = `trace:${span.traceId}`;
    if (span.spanData.type !== 'agent') return this.#isKnown(traceRun) ? traceRun : null;
    // Without spans of tasks the agents of a trace are what is left of its run.
    if (!this.#isKnown(traceRun))
      setBounded(this.#runById, [traceRun, { parentId: null, traceId: span.traceId }], rememberedMax);
    return traceRun;
  }

  #begin(span: VendorSpan, shape: Parameters<Capture['book']['begin']>[0]['shape']): OpenSpan | null {
    const parentId = this.#parentOf(span);
    const agent = span.spanData.type === 'agent' ? toText((span.spanData as unknown as Fields)['name']) : null;
    if (parentId !== null) this.#openRun(parentId, agent);
    return this.#capture.book.begin({ id: span.spanId, parentId, shape, lone: this.#lone(span) });
  }

  #beginStep(span: VendorSpan, start: StepStart): void {
    this.#begin(span, { as: 'step', start });
    this.#capture.book.enter(span.spanId);
  }

  #beginTask(span: VendorSpan): void {
    const { book, offers } = this.#capture;
    const offer: OfferedRun | undefined = offers.getStore();
    if (offer !== undefined && !offer.isTaken && book.find(offer.id) !== null) {
      offer.isTaken = true;
      book.begin({ id: span.spanId, parentId: offer.id, shape: { as: 'through' }, lone: this.#lone(span) });
      return;
    }
    const parentId = this.#isKnown(span.parentId) ? span.parentId : null;
    if (parentId !== null) this.#openRun(parentId, null);
    setBounded(this.#runById, [span.spanId, { parentId, traceId: span.traceId }], rememberedMax);
  }

  #endTask(span: VendorSpan): void {
    // What failed before any agent was at work is still a run that failed.
    if (span.error !== null) this.#openRun(span.spanId, null);
    this.#runById.delete(span.spanId);
    this.#closeRun(span.spanId, toClose(span.error));
  }

  #closeRun(id: string, close: ReturnType<typeof toClose>): void {
    const { book, calls } = this.#capture;
    const open = book.find(id);
    if (open === null) return;
    calls.settle(id);
    if (!open.ownsRun) return book.drop(id);
    const answered = this.#answerByRun.get(open.run.id);
    this.#answerByRun.delete(open.run.id);
    if (close.endReason !== 'ok' || answered === undefined) return book.close(id, close);
    // The SDK ends a run without an error when a stream was left.
    if (answered.isLeft) return book.close(id, { endReason: 'cancelled' });
    book.close(id, answered.words === '' ? close : { ...close, output: answered.words });
  }

  #beginTool(span: VendorSpan): void {
    const { asked, book } = this.#capture;
    const name = toText((span.spanData as unknown as Fields)['name']) ?? 'function';
    const call = asked.take(span.parentId, name);
    if (call !== null) {
      this.#begin(span, { as: 'tool', start: toToolStart(name, call) });
      return book.enter(span.spanId);
    }
    // Nobody told what the model asked for: the SDK itself does, before the tool is called.
    const begin = (input: string | null): void => {
      this.#toolById.delete(span.spanId);
      const args = input === null ? { observedAfter: true } : { args: toArgs(input) };
      this.#begin(span, { as: 'tool', start: { name, ...args } });
      book.enter(span.spanId);
    };
    const stop = onInput(span, (input) => book.guard(() => begin(input)));
    setBounded(this.#toolById, [span.spanId, { begin, stop }], rememberedMax);
  }

  #endTool(span: VendorSpan): void {
    const { book } = this.#capture;
    const awaited = this.#toolById.get(span.spanId);
    awaited?.stop();
    awaited?.begin(null);
    const isWithheld = book.find(span.spanId)?.ownStep?.inputsWithheld ?? false;
    book.finish(span.spanId, toolToFinish(span, isWithheld));
  }

  #beginModel(span: VendorSpan): void {
    const { recorder, calls } = this.#capture;
    if (this.#isHttp) return;
    const around = recorder.currentStep();
    // Its model is recorded itself, or by another capture.
    const isRecorded = around !== null && around.kind === 'model' && around.status === 'in_progress';
    if (isRecorded && !this.#stepsOfSpans.has(around)) return;
    const parentId = this.#parentOf(span);
    if (parentId !== null) this.#openRun(parentId, null);
    const isInLoop = parentId !== null;
    const call = calls.begin({ parentId, isInLoop, start: spanToStart(span), lone: this.#lone(span) });
    if (call === null) return;
    this.#stepsOfSpans.add(call.step);
    call.enter();
    this.#callById.set(span.spanId, call);
  }

  #endModel(span: VendorSpan): void {
    const { asked, book } = this.#capture;
    const call = this.#callById.get(span.spanId);
    if (call === undefined && !this.#isHttp) return;
    this.#callById.delete(span.spanId);
    if (span.parentId !== null) asked.add(span.parentId, spanToCalls(span), false);
    const finish = toModelFinish(span);
    const run = book.find(span.parentId)?.run;
    const answered = { words: outputToWords(spanToItems(span)), isLeft: finish.status === 'interrupted' };
    if (run !== undefined) setBounded(this.#answerByRun, [run.id, answered], rememberedMax);
    call?.finish(finish);
  }
}

const settled = Promise.resolve();

/** On every processor of this kind, whichever copy of this file made it. */
const markKey = Symbol.for('tachograph.openai-agents.processor');

/** True for a processor that `tachographProcessor` made. */
export const isOwnProcessor = (processor: TracingProcessor): boolean =>
  (processor as { readonly [markKey]?: boolean } | null | undefined)?.[markKey] === true;

/**
 * A tracing processor of the Agents SDK that records runs, agents, handoffs, model calls, tools and guardrails. Give it
 * to `setTraceProcessors`, which puts it in the place of the SDK's upload: `setTraceProcessors([tachographProcessor(recorder)])`.
 * Never throws and never makes the SDK wait (I1).
 */
export function tachographProcessor(recorder: Recorder, options: ProcessorOptions = {}): TracingProcessor {
  const capture = captureOf(recorder, options);
  const spans = new SpanRecording(capture, options.modelCalls === 'http');
  const told = (fn: () => void): Promise<void> => {
    if (recorder.recording) capture.book.guard(fn);
    return settled;
  };
  const processor: TracingProcessor = {
    onTraceStart: (trace) => told(() => spans.traceStarted(trace)),
    onTraceEnd: (trace) => told(() => spans.traceEnded(trace)),
    onSpanStart: (span) => told(() => spans.started(span)),
    onSpanEnd: (span) => told(() => spans.ended(span)),
    shutdown: () => settled,
    forceFlush: () => settled,
  };
  return Object.assign(processor, { [markKey]: true });
}
