import { createEventParser } from '../model/sse.ts';
import type { ServerEvent } from '../model/sse.ts';
import { isOffline } from './book.ts';
import { responseToError } from './client.ts';

/** How a stream stands. `lost` since a moment, with the next try; `off` when the server has no such stream. */
export type StreamState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | { readonly kind: 'lost'; readonly sinceMs: number; readonly retryAtMs: number }
  | { readonly kind: 'off' };

/** What a stream needs to be told. */
export interface StreamOptions {
  readonly path: string;
  /** Sent as `Last-Event-ID` with the first connection; later ones send the last id seen, so that nothing is missed. */
  readonly lastEventId: string | null;
  readonly onEvent: (event: ServerEvent) => void;
  readonly onState: (state: StreamState) => void;
}

const waitsMs = [500, 1000, 2000, 4000, 8000, 15_000];

/**
 * Follows server-sent events until `close`. Connects again after every break, waiting longer each time, from the
 * last id seen. Gives up only on 4xx. `retry` connects at once.
 */
export function openStream(options: StreamOptions): { close: () => void; retry: () => void } {
  let lastEventId = options.lastEventId;
  let tries = 0;
  let lostSinceMs: number | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let connection = new AbortController();
  let isClosed = false;

  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    const parser = createEventParser();
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        lastEventId = event.id ?? lastEventId;
        if (!isClosed) options.onEvent(event);
      }
    }
  };

  const connect = async (): Promise<void> => {
    connection = new AbortController();
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (lastEventId !== null) headers['last-event-id'] = lastEventId;
    try {
      const response = await fetch(options.path, { headers, signal: connection.signal, cache: 'no-store' });
      if (response.status >= 400 && response.status < 500 && response.status !== 429) {
        options.onState({ kind: 'off' });
        return;
      }
      if (!response.ok || response.body === null) throw await responseToError(response);
      tries = 0;
      lostSinceMs = null;
      options.onState({ kind: 'open' });
      await read(response.body);
    } catch {
      // Every break is answered the same way below: wait, then connect again.
    }
    if (isClosed) return;
    const waitMs = waitsMs[Math.min(tries, waitsMs.length - 1)]!;
    tries += 1;
    lostSinceMs ??= Date.now();
    options.onState({ kind: 'lost', sinceMs: lostSinceMs, retryAtMs: Date.now() + waitMs });
    timer = setTimeout(() => void connect(), waitMs);
  };

  if (isOffline) {
    options.onState({ kind: 'off' });
    return { close: () => undefined, retry: () => undefined };
  }
  options.onState({ kind: 'connecting' });
  void connect();
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      connection.abort();
    },
    retry: () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      void connect();
    },
  };
}
