/** One server-sent message. Without `event` it is a plain message; without `id` it leaves the client's last id as it was. */
export interface SseMessage {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

/** Bounds of a stream. */
export interface SseLimits {
  /** A comment is sent after so much silence, so that proxies and clients see life. */
  readonly heartbeatMs: number;
  /** Bytes that wait for a client to read; past them nothing more is read from the store for it. */
  readonly bufferBytes: number;
  /** A client that leaves its buffer full for so long is dropped. */
  readonly stallMs: number;
  /** How often it is asked whether the client may still listen: one whose key is revoked is cut off within a second. */
  readonly recheckMs: number;
}

/** Bounds in force unless told otherwise. */
export const defaultSseLimits: SseLimits = {
  heartbeatMs: 15_000,
  bufferBytes: 256 * 1024,
  stallMs: 30_000,
  recheckMs: 400,
};

/** The sending end of a stream of server-sent events. */
export interface SseSink {
  /** Resolves once there is room for more, with false when the stream is over. Never throws. */
  send(message: SseMessage): Promise<boolean>;
  /** Aborted when the client has gone, was dropped, or the server closes. */
  readonly signal: AbortSignal;
}

/** Tells of a stream's end. */
export interface SseObserver {
  opened(): void;
  closed(reason: 'client' | 'slow' | 'done' | 'refused'): void;
}

/** The text of a message on the wire. Line breaks inside the data become further `data:` lines, as the format asks. */
export function messageToText(message: SseMessage): string {
  const id = message.id === undefined ? '' : `id: ${message.id}\n`;
  const event = message.event === undefined ? '' : `event: ${message.event}\n`;
  return `${id}${event}data: ${message.data.replace(/\r\n|\r|\n/g, '\ndata: ')}\n\n`;
}

/** What a stream is opened with. */
export interface SseOptions {
  readonly limits: SseLimits;
  /** Ends the stream when aborted: the server closes. */
  readonly closing: AbortSignal;
  readonly observer: SseObserver;
  /** Cuts the connection of a client that does not read. */
  readonly drop: () => void;
  /** False once the client may listen no more. */
  readonly isAdmitted: () => Promise<boolean>;
  readonly onError: (error: unknown) => void;
  /** Sends until the signal aborts; the stream ends when it returns. */
  readonly feed: (sink: SseSink) => Promise<void>;
}

const encoder = new TextEncoder();

/**
 * Opens a stream of server-sent events. What waits for a slow client is bounded: `send` holds back its caller while the
 * buffer is full, and a client that reads nothing for `stallMs` is dropped.
 */
export function openSse(options: SseOptions): Response {
  const { limits, observer } = options;
  const over = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let hasRoom = (): void => undefined;
  let sentSinceBeat = false;
  const beat = setInterval(() => {
    if (!sentSinceBeat && (controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(': beat\n\n'));
    sentSinceBeat = false;
  }, limits.heartbeatMs);
  beat.unref();
  const recheck = setInterval(() => {
    options.isAdmitted().then(
      (isAdmitted) => isAdmitted || finish('refused'),
      (error: unknown) => {
        // Whoever cannot be asked for is not let in.
        options.onError(error);
        finish('refused');
      },
    );
  }, limits.recheckMs);
  recheck.unref();

  const finish = (reason: 'client' | 'slow' | 'done' | 'refused'): void => {
    if (over.signal.aborted) return;
    clearInterval(beat);
    clearInterval(recheck);
    options.closing.removeEventListener('abort', onClosing);
    over.abort();
    hasRoom();
    observer.closed(reason);
    if (reason === 'client') return;
    controller.close();
    if (reason === 'slow') options.drop();
  };
  const onClosing = (): void => finish('done');

  const waitForRoom = async (): Promise<void> => {
    if (over.signal.aborted || (controller.desiredSize ?? 0) > 0) return;
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => finish('slow'), limits.stallMs);
      stalled.unref();
      hasRoom = () => {
        clearTimeout(stalled);
        hasRoom = () => undefined;
        resolve();
      };
    });
  };

  const sink: SseSink = {
    signal: over.signal,
    async send(message) {
      if (over.signal.aborted) return false;
      sentSinceBeat = true;
      controller.enqueue(encoder.encode(messageToText(message)));
      await waitForRoom();
      return !over.signal.aborted;
    },
  };

  const stream = new ReadableStream<Uint8Array>(
    {
      start(started) {
        controller = started;
        controller.enqueue(encoder.encode('retry: 1000\n\n'));
      },
      pull: () => hasRoom(),
      cancel: () => finish('client'),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: limits.bufferBytes }),
  );
  observer.opened();
  if (options.closing.aborted) finish('done');
  else options.closing.addEventListener('abort', onClosing);
  options.feed(sink).then(
    () => finish('done'),
    (error: unknown) => {
      options.onError(error);
      finish('done');
    },
  );
  return new Response(stream, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
    },
  });
}
