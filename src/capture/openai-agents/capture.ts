import { AsyncLocalStorage } from 'node:async_hooks';
import type { Recorder, RunStart } from '../../core/record/recording.ts';
import type { SpanBook } from '../spans/span-book.ts';
import { createSpanBook } from '../spans/span-book.ts';
import type { AskedCalls } from './asked-calls.ts';
import { createAskedCalls } from './asked-calls.ts';
import type { ModelCalls } from './model-calls.ts';
import { createModelCalls } from './model-calls.ts';
import type { VendorTrace } from './vendor.ts';
import { toFields } from './vendor.ts';

/** A run that was begun around a call of `Runner.run`, for the spans inside it to be put into. */
export interface OfferedRun {
  readonly id: string;
  /** The span of the call itself has come: a further one inside is another call. */
  isTaken: boolean;
}

/** What the parts of one recorder's capture of the Agents SDK share. */
export interface Capture {
  readonly recorder: Recorder;
  readonly book: SpanBook;
  readonly calls: ModelCalls;
  readonly asked: AskedCalls;
  readonly offers: AsyncLocalStorage<OfferedRun>;
  /** False once its recording was stopped: models that runners still have are then models like any other. */
  isOn: boolean;
}

/** What may be set of a capture. */
export interface CaptureOptions {
  /** Told what went wrong in the recording itself; never thrown. */
  readonly onError?: (error: unknown) => void;
}

const captureByRecorder = new WeakMap<Recorder, Capture>();

/** The capture of a recorder: one for all of its processors, models and runners. */
export function captureOf(recorder: Recorder, { onError }: CaptureOptions = {}): Capture {
  const known = captureByRecorder.get(recorder);
  if (known !== undefined) return known;
  const book = createSpanBook(recorder, onError);
  const capture: Capture = {
    recorder,
    book,
    calls: createModelCalls(book),
    asked: createAskedCalls(),
    offers: new AsyncLocalStorage<OfferedRun>(),
    isOn: true,
  };
  captureByRecorder.set(recorder, capture);
  return capture;
}

/** What a recorder is told of every run that this capture begins. */
export const captureName = 'openai-agents';

/** A trace id of the SDK is `trace_` and the 32 hex digits of a W3C one. */
function toTraceId(traceId: string): string | null {
  return /^trace_([0-9a-f]{32})$/.exec(traceId)?.[1] ?? null;
}

function toLabels(metadata: unknown): Record<string, string> {
  const entries = Object.entries(toFields(metadata) ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** What the trace around it says of a run: its name, its session, its labels, its trace id. */
export function traceToStart(trace: Partial<VendorTrace>): Partial<RunStart> {
  const traceId = trace.traceId === undefined ? null : toTraceId(trace.traceId);
  const labels = toLabels(trace.metadata);
  return {
    capture: captureName,
    ...(trace.name === undefined ? {} : { name: trace.name }),
    ...(typeof trace.groupId === 'string' ? { sessionId: trace.groupId } : {}),
    ...(traceId === null ? {} : { traceId }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}
