import { createSafely } from '../../core/listener.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { Capture, CaptureOptions } from './capture.ts';
import { captureOf } from './capture.ts';
import { isOwnProcessor, tachographProcessor } from './processor.ts';
import { recordRunner } from './runner.ts';
import type { AgentsSdk, TracingProcessor } from './vendor.ts';

/** What may be set of the recording of a whole process. */
export interface InstallOptions extends CaptureOptions {
  /** `import * as sdk from '@openai/agents'`. */
  readonly sdk?: AgentsSdk;
}

const nothing = (): void => undefined;

/** What ends the recording that an SDK was given over to. */
const releaseBySdk = new WeakMap<object, () => void>();

/**
 * Turns the SDK's tracing on and makes the recorder all that it tells: nothing is uploaded, and the recorder that had it
 * before has it no more. What is given back stops the recording; the SDK's upload does not come back.
 */
function takeOver(capture: Capture, sdk: AgentsSdk, options: CaptureOptions): () => void {
  const { recorder, book } = capture;
  releaseBySdk.get(sdk)?.();
  capture.isOn = true;
  book.guard(() => sdk.setTraceProcessors([tachographProcessor(recorder, options)]));
  book.guard(() => sdk.setTracingDisabled(false));
  const putBack = book.guard(() => recordRunner(capture, sdk)) ?? nothing;
  const release = (): void => {
    book.guard(putBack);
    capture.isOn = false;
  };
  book.guard(() => releaseBySdk.set(sdk, release));
  return () => {
    if (releaseBySdk.get(sdk) !== release) return;
    releaseBySdk.delete(sdk);
    release();
    book.guard(() => sdk.setTraceProcessors([]));
  };
}

function keepFromUpload(sdk: AgentsSdk | undefined, { onError }: CaptureOptions): void {
  createSafely(onError)(() => sdk?.setTraceProcessors([]), undefined);
}

/** Where every copy of the SDK in a process keeps the provider of its traces. */
const providerKey = Symbol.for('openai.agents.core.traceProvider');

interface TraceProvider {
  setProcessors(processors: TracingProcessor[]): void;
  registerProcessor(processor: TracingProcessor): void;
}

const isProvider = (value: unknown): value is TraceProvider =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<TraceProvider>).setProcessors === 'function' &&
  typeof (value as Partial<TraceProvider>).registerProcessor === 'function';

/** A processor that hears nothing while the program has one of ours with a recorder of its own: that one records. */
function giveWay(processor: TracingProcessor, isTaken: () => boolean): TracingProcessor {
  const whenFree =
    <A>(hear: (told: A) => Promise<void>) =>
    (told: A): Promise<void> =>
      isTaken() ? Promise.resolve() : hear(told);
  return {
    ...processor,
    onTraceStart: whenFree(processor.onTraceStart),
    onTraceEnd: whenFree(processor.onTraceEnd),
    onSpanStart: whenFree(processor.onSpanStart),
    onSpanEnd: whenFree(processor.onSpanEnd),
  };
}

/** Puts the processor first among those of a provider, and keeps it there when the program sets its own. */
function attach(provider: TraceProvider, given: TracingProcessor): () => void {
  const { setProcessors, registerProcessor } = provider;
  let isTaken = false;
  const processor = giveWay(given, () => isTaken);
  const isAnother = (each: TracingProcessor): boolean => each !== processor && isOwnProcessor(each);
  provider.registerProcessor(processor);
  provider.setProcessors = (processors) => {
    isTaken = processors.some(isAnother);
    setProcessors.call(provider, [processor, ...processors.filter((each) => each !== processor)]);
  };
  provider.registerProcessor = (each) => {
    isTaken ||= isAnother(each);
    registerProcessor.call(provider, each);
  };
  return () => {
    isTaken = true;
    provider.setProcessors = setProcessors;
    provider.registerProcessor = registerProcessor;
  };
}

/**
 * Finds the SDK without importing it, now or when the program loads it: by the place where it keeps its trace provider. The
 * program's own processors, the upload among them, stay as they are, and so does tracing that is turned off.
 */
function hook({ recorder, book }: Capture, options: CaptureOptions): () => void {
  const globals = globalThis as unknown as Record<symbol, unknown>;
  const processor = tachographProcessor(recorder, { ...options, modelCalls: 'http' });
  let detach: () => void = () => undefined;
  let provider = globals[providerKey];
  const take = (next: unknown): void => {
    detach();
    detach = () => undefined;
    provider = next;
    if (isProvider(next)) detach = book.guard(() => attach(next, processor)) ?? detach;
  };
  const place = (): void => {
    take(provider);
    Object.defineProperty(globals, providerKey, {
      configurable: true,
      enumerable: true,
      get: () => provider,
      set: take,
    });
  };
  book.guard(place);
  return () => {
    detach();
    const value = provider;
    if (value === undefined) delete globals[providerKey];
    else Object.defineProperty(globals, providerKey, { value, writable: true, configurable: true, enumerable: true });
  };
}

/**
 * Records all that agents of this process do. With the SDK, `installAgents(recorder, { sdk })` before the first run, its
 * tracing is turned on, also where `NODE_ENV` or `OPENAI_AGENTS_DISABLE_TRACING` has it off, and tells this recorder alone:
 * nothing is uploaded, by a recorder that records nothing neither. Without, the SDK is found when it is loaded, processors and uploads stay, and model calls are left to
 * the capture of HTTP. Never throws; the function given back undoes it, but for the upload.
 */
export function installAgents(recorder: Recorder, options: InstallOptions = {}): () => void {
  const { sdk } = options;
  if (!recorder.recording) {
    // Recording that is switched off must not begin to upload what it kept from being uploaded.
    keepFromUpload(sdk, options);
    return nothing;
  }
  const capture = captureOf(recorder, options);
  return sdk === undefined ? hook(capture, options) : takeOver(capture, sdk, options);
}
