import type { Clock } from '../../core/clock.ts';
import type { Recorder, RunRecorder, StepRecorder } from '../../core/record/recording.ts';
import { claimExchanges } from '../spans/exchange-flow.ts';
import type { OpenSpan } from '../spans/span.ts';
import { setBounded } from '../spans/bounded.ts';
import type { SpanBook } from '../spans/span-book.ts';
import type { Generation } from './generation.ts';
import { createGeneration } from './generation.ts';
import type { ModelCall } from './model-call.ts';
import type { Outcome } from './outcome.ts';
import {
  outcomeToToolFinish,
  spanToClose,
  spanToOutcome,
  spanToPhaseFinish,
  spanToToolFinish,
  spanToTripwire,
} from './outcome.ts';
import type { Withheld } from './shape.ts';
import { isRunSpan, isToolSpan, spanToRunStart, spanToShape } from './shape.ts';
import { spanUsageToUsage } from './usage.ts';
import type { LiveSpan, MastraSpan } from './vendor.ts';
import { toFields } from './vendor.ts';

/*
 *   agent_run, workflow_run    run, or child run of the step around it
 *   model_generation           nothing of its own; its calls are model steps
 *     model_step, …_inference, …_chunk   repeat what the tracker tells; read only where there is none
 *   tool_call, mcp_tool_call   tool step under the call that asked for it
 *   all else                   phase; a point in time is a log
 *
 * A span that ends without saying how waits for the end of its run, which says it.
 */

/** The spans of Mastra as they begin and end. */
export interface MastraSpans {
  started(span: MastraSpan): void;
  updated(span: MastraSpan): void;
  ended(span: MastraSpan): void;
  /** Takes note of what a live span keeps back. */
  heed(live: LiveSpan): void;
  generation(id: string): Generation | null;
  /** Runs `fn`, once, inside of what the span is in the record. */
  within<T>(id: string, fn: () => T): T;
}

/** What the record of spans needs. */
export interface SpansSurroundings {
  readonly recorder: Recorder;
  readonly book: SpanBook;
  readonly clock: Clock;
}

const inModel = new Set(['model_step', 'model_inference', 'model_chunk']);
const nothingWithheld: Withheld = { inputs: false, outputs: false };

/** A record of spans that has seen none. */
export function createMastraSpans({ recorder, book, clock }: SpansSurroundings): MastraSpans {
  const generations = new Map<string, Generation>();
  /** Spans inside a generation, by their ids: theirs. */
  const generationIdByPart = new Map<string, string>();
  /** The run's span that each span is inside of. */
  const runSpanIds = new Map<string, string>();
  /** What waits for a run's end, by the id of the run's span. */
  const waiting = new Map<string, ((outcome: Outcome) => void)[]>();
  const withheldById = new Map<string, Withheld>();
  const suspended = new Map<string, ModelCall>();
  const spanIdByStep = new WeakMap<StepRecorder, string>();
  const spanIdByRun = new WeakMap<RunRecorder, string>();

  const withheldOf = (span: MastraSpan): Withheld => withheldById.get(span.id) ?? nothingWithheld;

  /** A span without a parent may still be inside of what this capture has in async scope. */
  const scopeId = (): string | null => {
    const step = recorder.currentStep();
    const run = recorder.current();
    const id = (step !== null && spanIdByStep.get(step)) || (run !== null && spanIdByRun.get(run)) || null;
    return book.find(id)?.id ?? null;
  };

  const parentIdOf = (span: MastraSpan): string | null => {
    const id = span.parentSpanId;
    if (id === undefined) return scopeId();
    const generationId = generationIdByPart.get(id) ?? id;
    const latest = generations.get(generationId)?.latest;
    // A tool hangs on the call that asked for it.
    return latest !== undefined && latest !== null && book.find(latest.id) !== null ? latest.id : generationId;
  };

  const remember = (span: MastraSpan, open: OpenSpan | null): void => {
    const above = span.parentSpanId === undefined ? undefined : runSpanIds.get(span.parentSpanId);
    const runSpanId = isRunSpan(span) ? span.id : above;
    if (runSpanId !== undefined) setBounded(runSpanIds, [span.id, runSpanId]);
    if (open?.ownStep !== null && open?.ownStep !== undefined) spanIdByStep.set(open.ownStep, span.id);
    if (open?.ownsRun === true) spanIdByRun.set(open.run, span.id);
  };

  const begin = (span: MastraSpan): OpenSpan | null => {
    const withheld = withheldOf(span);
    const lone = spanToRunStart(span, { inputs: true, outputs: true });
    const open = book.begin({ id: span.id, parentId: parentIdOf(span), shape: spanToShape(span, withheld), lone });
    remember(span, open);
    if (open !== null && open.ownStep !== null && (withheld.inputs || withheld.outputs))
      open.ownStep.withhold(withheld);
    return open;
  };

  /** Calls `settle` when the run around a span ends; at once when none is around it. */
  const waitForRun = (span: MastraSpan, settle: (outcome: Outcome) => void): void => {
    const runSpanId = runSpanIds.get(span.id);
    if (runSpanId === undefined || runSpanId === span.id) return settle(spanToOutcome(span));
    setBounded(waiting, [runSpanId, [...(waiting.get(runSpanId) ?? []), settle]]);
  };

  const beginInModel = (span: MastraSpan): void => {
    const parentId = span.parentSpanId ?? '';
    const generationId = generationIdByPart.get(parentId) ?? parentId;
    const generation = generations.get(generationId);
    if (generation === undefined || span.type === 'model_chunk') return;
    setBounded(generationIdByPart, [span.id, generationId]);
    if (generation.isTracked || span.type !== 'model_inference') return;
    // Without a tracker, the settings are what tells a call that leaves from an answer that is repeated.
    const attributes = toFields(span.attributes) ?? {};
    if (attributes['parameters'] === undefined && attributes['toolChoice'] === undefined) return;
    generation.prepare(attributes);
    generation.begin()?.step.enter();
  };

  const endInModel = (span: MastraSpan): void => {
    const generation = generations.get(generationIdByPart.get(span.id) ?? '');
    generationIdByPart.delete(span.id);
    if (generation?.isTracked === false && span.type === 'model_inference') generation.endBySpan(span);
  };

  const endGeneration = (span: MastraSpan, generation: Generation): void => {
    generation.span = span;
    waitForRun(span, (outcome) => {
      generation.settle(outcome);
      generations.delete(span.id);
      book.drop(span.id);
    });
  };

  const endRun = (span: MastraSpan): void => {
    const outcome = spanToOutcome(span);
    const tripwire = spanToTripwire(span);
    for (const settle of waiting.get(span.id) ?? []) book.guard(() => settle(outcome));
    waiting.delete(span.id);
    const run = book.find(span.id)?.run;
    if (tripwire !== null) run?.log('tripwire', tripwire);
    if (outcome.kind === 'suspended') run?.log('suspended', span.output ?? { status: 'suspended' });
    book.close(span.id, spanToClose(span, withheldOf(span).outputs));
  };

  const endPlain = (span: MastraSpan): void => {
    const isWithheld = withheldOf(span).outputs;
    const usage = span.type === 'rag_embedding' ? spanUsageToUsage(toFields(span.attributes)?.['usage']) : null;
    if (!isToolSpan(span))
      return book.finish(span.id, { ...spanToPhaseFinish(span, isWithheld), ...(usage === null ? {} : { usage }) });
    const finish = spanToToolFinish(span, isWithheld);
    if (finish !== null) return book.finish(span.id, finish);
    waitForRun(span, (outcome) => book.finish(span.id, outcomeToToolFinish(outcome)));
  };

  const forget = (span: MastraSpan): void => {
    runSpanIds.delete(span.id);
    withheldById.delete(span.id);
  };

  /** A point in time, of which only the end is told. */
  const note = (span: MastraSpan): void => {
    const open = book.find(parentIdOf(span));
    const log = (): void => open?.run.log(span.name, { spanType: span.type, ...span.attributes, output: span.output });
    if (withheldOf(span).outputs) return;
    if (open?.step == null) log();
    else open.step.within(log);
  };

  return {
    started(span) {
      if (inModel.has(span.type)) return beginInModel(span);
      begin(span);
      if (span.type !== 'model_generation') return;
      setBounded(generations, [span.id, createGeneration({ book, clock, suspended }, span, withheldOf(span))]);
    },
    updated(span) {
      const generation = generations.get(span.id);
      if (generation !== undefined) generation.span = span;
    },
    ended(span) {
      if (span.isEvent) {
        if (!inModel.has(span.type)) note(span);
        return forget(span);
      }
      const generation = generations.get(span.id);
      if (inModel.has(span.type)) endInModel(span);
      else if (generation !== undefined) endGeneration(span, generation);
      else if (isRunSpan(span)) endRun(span);
      else endPlain(span);
      forget(span);
    },
    heed(live) {
      const { hideInput, hideOutput } = live.traceState ?? {};
      if (hideInput !== true && hideOutput !== true) return;
      setBounded(withheldById, [live.id, { inputs: hideInput === true, outputs: hideOutput === true }]);
    },
    generation: (id) => generations.get(id) ?? null,
    within(id, fn) {
      const generation = generations.get(generationIdByPart.get(id) ?? '');
      const call = generation?.latest;
      if (call !== undefined && call !== null && call.step.status === 'in_progress')
        return call.step.within(() => (claimExchanges(call.step), fn()));
      const open = book.find(generation === undefined ? id : generation.span.id);
      if (open === null) return fn();
      return open.step === null ? open.run.within(fn) : open.step.within(fn);
    },
  };
}
