import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { orAmbient } from '../../core/record/ambient.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { createSpanBook } from '../spans/span-book.ts';
import type { MastraSpans } from './spans.ts';
import { createMastraSpans } from './spans.ts';
import { listenToTracker } from './tracker.ts';
import type { LiveSpan, MastraConfig, MastraEvent, MastraExporter, MastraSpanProcessor } from './vendor.ts';
import { toFields } from './vendor.ts';

/** How a recording of Mastra is made. */
export interface MastraOptions {
  readonly clock?: Clock;
  /** Told of what went wrong in here; the host never is (I1). */
  readonly onError?: (error: unknown) => void;
}

/** How an entry of Mastra's `configs` is made. */
export interface MastraConfigOptions extends MastraOptions {
  /** Mastra's name for the service; `mastra` when left out. */
  readonly serviceName?: string;
}

interface MastraCapture {
  readonly exporter: MastraExporter;
  readonly processor: MastraSpanProcessor;
}

const name = 'tachograph';

/** True for a span that a processor was given alive. */
const isLive = (span: unknown): span is LiveSpan => {
  const fields = toFields(span);
  return typeof fields?.['id'] === 'string' && typeof fields['type'] === 'string';
};

/**
 * Makes a live span do what it does inside of what it is in the record, so that HTTP exchanges and runs that begin there
 * hang under it, and has a generation tell of its model calls before they leave (I3).
 */
function takeHold(live: LiveSpan, spans: MastraSpans, guard: (fn: () => void) => void): void {
  const { executeInContext, executeInContextSync, createTracker } = live;
  if (typeof executeInContext === 'function')
    live.executeInContext = (fn) =>
      executeInContext.call(live, () => spans.within(live.id, fn)) as ReturnType<typeof fn>;
  if (typeof executeInContextSync === 'function')
    live.executeInContextSync = (fn) =>
      executeInContextSync.call(live, () => spans.within(live.id, fn)) as ReturnType<typeof fn>;
  if (live.type !== 'model_generation' || typeof createTracker !== 'function') return;
  live.createTracker = () => {
    const tracker = createTracker.call(live);
    guard(() => {
      const generation = spans.generation(live.id);
      if (tracker !== undefined && generation !== null)
        generation.isTracked = listenToTracker(tracker, generation, guard);
    });
    return tracker;
  };
}

function buildCapture(recorder: Recorder, options: MastraOptions): MastraCapture {
  const book = createSpanBook(recorder, options.onError);
  const spans = createMastraSpans({ recorder, book, clock: options.clock ?? systemClock });
  const held = new WeakSet<object>();
  const guard = (fn: () => void): void => void book.guard(fn);

  const processor: MastraSpanProcessor = {
    name,
    process(span) {
      guard(() => {
        if (!recorder.recording || !isLive(span) || held.has(span)) return;
        held.add(span);
        spans.heed(span);
        takeHold(span, spans, guard);
      });
      return span;
    },
    shutdown: async () => undefined,
  };

  const tell = (event: MastraEvent): void =>
    guard(() => {
      if (!recorder.recording) return;
      const { type, exportedSpan } = event;
      if (type === 'span_started') spans.started(exportedSpan);
      else if (type === 'span_updated') spans.updated(exportedSpan);
      else if (type === 'span_ended') spans.ended(exportedSpan);
    });

  const exporter: MastraExporter = {
    name,
    /** Mastra hands over its configuration: with this capture's processor in its list, live spans come by as well. */
    init: (given) =>
      guard(() => {
        const list = toFields(toFields(given)?.['config'])?.['spanOutputProcessors'];
        if (Array.isArray(list) && !list.includes(processor)) list.unshift(processor);
      }),
    onTracingEvent: tell,
    exportTracingEvent: async (event) => tell(event),
    flush: async () => void (await recorder.flush()),
    shutdown: async () => void (await recorder.flush()),
  };
  return { exporter, processor };
}

const captureByRecorder = new WeakMap<Recorder, MastraCapture>();

/** One recorder has one capture, so that no span is recorded twice. */
function captureOf(given: Recorder | null | undefined, options: MastraOptions): MastraCapture {
  const recorder = orAmbient(given);
  const known = captureByRecorder.get(recorder);
  if (known !== undefined) return known;
  const capture = buildCapture(recorder, options);
  captureByRecorder.set(recorder, capture);
  return capture;
}

/**
 * An exporter that records the agents, workflows, model calls and tools of Mastra. Mastra cuts what it hands to exporters
 * unless told otherwise: `tachographConfig` does. The same object for one recorder; the options of the first call stand.
 * Left out, the recorder is that of the process under `tachograph run`; without one, or with `null`, nothing is recorded.
 */
export function tachographExporter(recorder?: Recorder | null, options: MastraOptions = {}): MastraExporter {
  return captureOf(recorder, options).exporter;
}

/** Far beyond what a process can hold in one value; Mastra takes whole numbers only. */
const unlimited = Number.MAX_SAFE_INTEGER;

/** Deeper values are cut, and cycles are Mastra's to find. */
const depthMax = 200;

/**
 * An entry for `new Observability({ configs: { … } })`: the exporter, with Mastra's limits on texts, lists and keys lifted.
 * Spread it to add exporters or settings of your own. The recorder may be left out, as with `tachographExporter`.
 */
export function tachographConfig(recorder?: Recorder | null, options: MastraConfigOptions = {}): MastraConfig {
  const { exporter, processor } = captureOf(recorder, options);
  return {
    serviceName: options.serviceName ?? 'mastra',
    exporters: [exporter],
    spanOutputProcessors: [processor],
    serializationOptions: {
      maxStringLength: unlimited,
      maxDepth: depthMax,
      maxArrayLength: unlimited,
      maxObjectKeys: unlimited,
    },
  };
}
