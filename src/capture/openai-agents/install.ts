import type { Recorder } from '../../core/record/recording.ts';
import type { CaptureOptions } from './capture.ts';
import { captureOf } from './capture.ts';
import { tachographProcessor } from './processor.ts';
import { recordRunner } from './runner.ts';
import type { AgentsSdk, TracingProcessor } from './vendor.ts';

/**
 * Records all that agents of this process do: `recordAgents(recorder, sdk)` with `import * as sdk from '@openai/agents'`,
 * before the first run. The SDK's tracing is turned on, also where `NODE_ENV` or `OPENAI_AGENTS_DISABLE_TRACING` has it
 * off, and tells this recorder alone: nothing is uploaded. The function given back stops the recording; the SDK's
 * upload does not come back.
 */
export function recordAgents(recorder: Recorder, sdk: AgentsSdk, options: CaptureOptions = {}): () => void {
  if (!recorder.recording) return () => undefined;
  sdk.setTraceProcessors([tachographProcessor(recorder, options)]);
  sdk.setTracingDisabled(false);
  const capture = captureOf(recorder, options);
  capture.isOn = true;
  const stop = recordRunner(capture, sdk);
  return () => {
    stop();
    capture.isOn = false;
    sdk.setTraceProcessors([]);
  };
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

/** Puts the processor first among those of a provider, and keeps it there when the program sets its own. */
function attach(provider: TraceProvider, processor: TracingProcessor): () => void {
  const setProcessors = provider.setProcessors;
  provider.registerProcessor(processor);
  provider.setProcessors = (processors) =>
    setProcessors.call(provider, [processor, ...processors.filter((each) => each !== processor)]);
  return () => {
    provider.setProcessors = setProcessors;
  };
}

/**
 * Hooks the SDK without importing it, now or when the program loads it: through the place where it keeps its trace
 * provider. The program's own processors, the upload among them, stay as they are, and so does tracing that is turned
 * off. Model calls are left to the capture of HTTP. Never throws; the function given back takes the hook away.
 */
export function hookAgents(recorder: Recorder, options: CaptureOptions = {}): () => void {
  if (!recorder.recording) return () => undefined;
  const globals = globalThis as unknown as Record<symbol, unknown>;
  const { book } = captureOf(recorder, options);
  const processor = tachographProcessor(recorder, { ...options, modelCalls: 'http' });
  let detach: () => void = () => undefined;
  let provider = globals[providerKey];
  const take = (next: unknown): void => {
    detach();
    detach = () => undefined;
    provider = next;
    if (isProvider(next)) detach = book.guard(() => attach(next, processor)) ?? detach;
  };
  const hook = (): void => {
    take(provider);
    Object.defineProperty(globals, providerKey, {
      configurable: true,
      enumerable: true,
      get: () => provider,
      set: take,
    });
  };
  book.guard(hook);
  return () => {
    detach();
    const value = provider;
    if (value === undefined) delete globals[providerKey];
    else Object.defineProperty(globals, providerKey, { value, writable: true, configurable: true, enumerable: true });
  };
}
