import type { Part } from '../vendor.ts';

/** Told of what passes through a stream. */
export interface StreamObserver {
  /** The part to hand on in its place. */
  part(part: Part): Part;
  /** Once: it was read to its end, broke, or was left by its reader. */
  end(how: { kind: 'eof' } | { kind: 'broken'; error: unknown } | { kind: 'left'; reason: unknown }): void;
}

/** The same stream, observed: asked for only as its reader asks, with the same errors. */
export function tapStream(stream: ReadableStream<Part>, observer: StreamObserver): ReadableStream<Part> {
  const reader = stream.getReader();
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        let result: ReadableStreamReadResult<Part>;
        try {
          result = await reader.read();
        } catch (error) {
          observer.end({ kind: 'broken', error });
          controller.error(error);
          return;
        }
        if (result.done) {
          observer.end({ kind: 'eof' });
          controller.close();
        } else controller.enqueue(observer.part(result.value));
      },
      async cancel(reason) {
        observer.end({ kind: 'left', reason });
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
