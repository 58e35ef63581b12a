/** What is told of a body while its reader reads it. Never throws. */
export interface BodySink {
  chunk(bytes: Uint8Array): void;
  end(): void;
  /** The reader gave it up. */
  leave(): void;
  fail(error: unknown): void;
  /** The reader waits for more, or has got it. */
  wait(isWaiting: boolean): void;
  /** True when the rest may be read ahead of the reader, because nobody may ever ask for it. */
  isReadAhead(): boolean;
  /** True when the rest is read even though the reader gives it up: the words of an error. */
  isDrained(): boolean;
  /** Hands over what cuts the body off: its reader gets the error, its source is let go. */
  onStart?(cut: (error: Error) => void): void;
}

/** A given-up body is drained for no longer than this. */
const drainMsMax = 1000;

type End = { readonly kind: 'eof' } | { readonly kind: 'error'; readonly error: unknown };

/** Tells the sink of bodies that nobody reads and nobody holds any more. */
const abandoned = new FinalizationRegistry<() => void>((onAbandoned) => onAbandoned());

function isByteStream(source: ReadableStream): boolean {
  try {
    // A stream that is none of bytes refuses this reader and stays unlocked.
    source.getReader({ mode: 'byob' }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

/**
 * A stream that reads like the source, chunk by chunk as the reader asks, while the sink is told of all of it. At
 * most `aheadBytesMax` bytes are read ahead of the reader, or drained after it has left, and only where the sink
 * allows it.
 */
export function teeBody(
  source: ReadableStream<Uint8Array>,
  sink: BodySink,
  aheadBytesMax: number,
): ReadableStream<Uint8Array> {
  const isBytes = isByteStream(source);
  const reader = source.getReader();
  const queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let end: End | null = null;
  let isLeft = false;
  let isDeaf = false;
  let reading: Promise<void> | null = null;

  const readOne = (): Promise<void> => {
    reading ??= reader.read().then(
      ({ done, value }) => {
        reading = null;
        if (isDeaf) return;
        if (done) {
          end = { kind: 'eof' };
          return sink.end();
        }
        // Told first: handing a chunk of a byte stream on takes its memory away.
        if (ArrayBuffer.isView(value)) sink.chunk(value);
        queue.push(value);
        queuedBytes += value?.byteLength ?? 0;
      },
      (error: unknown) => {
        reading = null;
        end = { kind: 'error', error };
        if (!isDeaf) sink.fail(error);
      },
    );
    return reading;
  };

  const readAhead = async (): Promise<void> => {
    while (end === null && !isLeft && queuedBytes < aheadBytesMax && sink.isReadAhead()) await readOne();
  };

  const deliver = (controller: ReadableStreamController<Uint8Array>): boolean => {
    const chunk = queue.shift();
    if (chunk === undefined) return false;
    queuedBytes -= chunk.byteLength ?? 0;
    // A byte stream refuses empty chunks; they say nothing.
    if (isBytes && chunk.byteLength === 0) return deliver(controller);
    (controller as ReadableStreamDefaultController<Uint8Array>).enqueue(chunk);
    return true;
  };

  const pull = async (controller: ReadableStreamController<Uint8Array>): Promise<void> => {
    for (;;) {
      if (deliver(controller)) break;
      if (end !== null) return close(controller, end);
      // Given up while a read was under way: every further read of the source would end at once, for ever.
      if (isLeft) return;
      sink.wait(true);
      await readOne();
    }
    sink.wait(false);
    void readAhead();
  };

  /** Lets the source go. A source that complains of it had not been whole. */
  const letGo = async (reason: unknown): Promise<void> => {
    isDeaf = true;
    const closed = reader.cancel(reason);
    // What the provider has told the end of is whole unless its closing fails.
    if (!sink.isReadAhead()) sink.leave();
    await closed.then(
      () => sink.leave(),
      (error: unknown) => {
        sink.fail(error);
        throw error;
      },
    );
  };

  /** Reads what is left of a given-up body: its reader has gone on and waits for nothing. */
  const drain = async (reason: unknown): Promise<void> => {
    let drainedBytes = queuedBytes;
    let isLate = false;
    let timer: NodeJS.Timeout | null = null;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        isLate = true;
        resolve();
      }, drainMsMax).unref();
    });
    while (end === null && !isLate && drainedBytes < aheadBytesMax) {
      await Promise.race([readOne(), deadline]);
      drainedBytes += queue.reduce((sum, chunk) => sum + chunk.byteLength, 0);
      queue.length = 0;
    }
    clearTimeout(timer!);
    // Nobody is left to hear of it.
    await letGo(reason).catch(() => undefined);
  };

  const cancel = async (reason: unknown): Promise<void> => {
    isLeft = true;
    if (end === null && sink.isDrained()) void drain(reason);
    else await letGo(reason);
  };

  const cut = (error: Error): void => {
    if (end !== null || isLeft) return;
    end = { kind: 'error', error };
    isDeaf = true;
    queue.length = 0;
    sink.fail(error);
    // A read that is under way ends with this; whoever waits for it then gets the error.
    reader.cancel(error).catch(() => undefined);
  };
  sink.onStart?.(cut);

  const underlying = { pull, cancel };
  const stream = isBytes
    ? new ReadableStream<Uint8Array>(
        { ...underlying, type: 'bytes' } as unknown as UnderlyingDefaultSource<Uint8Array>,
        { highWaterMark: 0 },
      )
    : new ReadableStream<Uint8Array>(underlying as UnderlyingDefaultSource<Uint8Array>, { highWaterMark: 0 });
  abandoned.register(stream, () => {
    if (isLeft || end !== null) return;
    isLeft = true;
    isDeaf = true;
    sink.leave();
    // Nobody is left to hear of it.
    reader.cancel().catch(() => undefined);
  });
  // An abort reaches a stream that nobody reads as well.
  reader.closed.catch((error: unknown) => {
    if (!isDeaf && end === null) sink.fail(error);
  });
  void readAhead();
  return stream;
}

function close(controller: ReadableStreamController<Uint8Array>, end: End): void {
  if (end.kind === 'error') return controller.error(end.error);
  controller.close();
  // A reader that brought its own memory waits for it to be handed back.
  (controller as ReadableByteStreamController).byobRequest?.respond(0);
}
