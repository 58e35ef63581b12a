import type { Generation } from './generation.ts';
import type { LiveTracker } from './vendor.ts';
import { toFields } from './vendor.ts';

/** Passes every chunk on as it came, in order, and shows it on the way. */
function showChunks(stream: ReadableStream<unknown>, show: (chunk: unknown) => void): ReadableStream<unknown> {
  return stream.pipeThrough(
    new TransformStream<unknown, unknown>({
      transform(chunk, controller) {
        show(chunk);
        controller.enqueue(chunk);
      },
    }),
  );
}

/**
 * Listens to what follows a generation's model calls. Each of its methods does what it did; before that, the generation
 * is told. `false` when this tracker lacks what is needed, and is left as it is.
 */
export function listenToTracker(
  tracker: LiveTracker,
  generation: Generation,
  guard: (fn: () => void) => void,
): boolean {
  const { startStep, setInferenceContext, startInference, updateStep, reportGenerationError, wrapStream } = tracker;
  if (
    typeof setInferenceContext !== 'function' ||
    typeof startInference !== 'function' ||
    typeof wrapStream !== 'function'
  )
    return false;
  tracker.setInferenceContext = (context) => {
    guard(() => generation.prepare(toFields(context) ?? {}));
    setInferenceContext.call(tracker, context);
  };
  tracker.startInference = (payload) => {
    guard(() => void generation.begin());
    startInference.call(tracker, payload);
  };
  tracker.wrapStream = (stream) =>
    wrapStream.call(
      tracker,
      showChunks(stream, (chunk) => guard(() => generation.addChunk(chunk))),
    );
  if (typeof startStep === 'function')
    tracker.startStep = (payload) => {
      // With a payload it is the stream that makes up for a start it has missed.
      if (payload === undefined) guard(() => generation.turn());
      startStep.call(tracker, payload);
    };
  if (typeof updateStep === 'function')
    tracker.updateStep = (payload) => {
      guard(() => generation.latest?.sawRequest(toFields(payload) ?? {}));
      updateStep.call(tracker, payload);
    };
  if (typeof reportGenerationError === 'function')
    tracker.reportGenerationError = (options) => {
      guard(() => generation.latest?.sawError(options.error));
      reportGenerationError.call(tracker, options);
    };
  return true;
}
