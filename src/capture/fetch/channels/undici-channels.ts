import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createBodyBuffer } from '../body/body-buffer.ts';
import type { BodyBuffer } from '../body/body-buffer.ts';
import type { Exchange } from '../exchange.ts';
import type { ExchangeRequest } from '../exchange-request.ts';
import { flatToHeaderMap, toBodyInput } from '../exchange-request.ts';
import type { HostMatcher } from '../hosts.ts';
import type { Ledger } from '../ledger.ts';
import { governedStart } from '../../../core/work/gate.ts';
import { enterLate } from '../spending/spending.ts';
import { takeSighting } from '../seen.ts';
import type { WireBody } from './wire-body.ts';
import { createWireBody } from './wire-body.ts';

/**
 * The HTTP diagnostics channels of undici, the client inside Node and the package of the same name:
 *
 *   create ─► bodyChunkSent … ─► bodySent ─► headers ─► bodyChunkReceived … ─► trailers
 *      └────────────┴───────────────┴───────────┴──────────────┴─────────────► error
 *
 * Events of one request are joined by the request object: 60 of 128 header events ran in another request's async
 * scope (2026-11-20), so scope is read at `create` only. Node 24.21 tells body chunks both ways (measured
 * 2026-11-21); where `bodyChunkReceived` is missing the record says that bodies were not observable.
 */

interface ClientRequest {
  readonly method?: unknown;
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
  /** Set once it has a connection. */
  readonly abort?: unknown;
}

/** One request under way. */
interface Watched {
  readonly enter: <T>(fn: () => T) => T;
  readonly request: Omit<ExchangeRequest, 'body' | 'text'>;
  readonly sent: BodyBuffer;
  isBegun: boolean;
  /** Ends the request, where its client shows how. */
  readonly cut: (error: Error) => void;
  exchange: Exchange | null;
  received: WireBody | null;
}

const sentBytesMax = 32 * 1024 * 1024;

type Message = Readonly<Record<string, unknown>>;

/** What a subscription needs. */
export interface ChannelParts {
  readonly ledger: Ledger;
  readonly isListed: HostMatcher;
}

function toWatched(client: ClientRequest): Watched | null {
  const method = String(client.method ?? 'GET').toUpperCase();
  const href = `${String(client.origin)}${String(client.path)}`;
  if (!URL.canParse(href) || takeSighting(method, href)) return null;
  return {
    enter: AsyncLocalStorage.snapshot(),
    request: { method, url: new URL(href), headers: flatToHeaderMap(client.headers), isObservedAfter: false },
    cut(error) {
      const { abort } = client;
      if (typeof abort === 'function') abort.call(client, error);
    },
    sent: createBodyBuffer(sentBytesMax),
    isBegun: false,
    exchange: null,
    received: null,
  };
}

/** Subscribes to the channels; the function given back ends the subscription. */
export function subscribeChannels({ ledger, isListed }: ChannelParts): () => void {
  const watchedByRequest = new WeakMap<object, Watched>();
  // Told by the first chunk ever received: before, an empty body cannot be told from one that is not shown.
  let isBodyTold = false;

  const begin = (watched: Watched, request: ExchangeRequest): void => {
    watched.isBegun = true;
    watched.enter(() => {
      const governed = governedStart(ledger.recorder);
      watched.exchange = ledger.begin(request, { isListed: isListed(request.url), isEverything: false });
      enterLate(governed, { exchange: watched.exchange, request }, watched.cut);
    });
  };

  /** Begins a request whose body was not in memory when it was made: it has been watched on its way out. */
  const beginSent = (watched: Watched): void => {
    if (watched.isBegun) return;
    const { sent } = watched;
    const contentType = watched.request.headers['content-type'] ?? null;
    const whole =
      sent.bytes === 0 ? null : sent.isCut || /multipart\//i.test(contentType ?? '') ? undefined : sent.take();
    const { input, text } = toBodyInput(whole ?? null, contentType);
    const body = whole === undefined ? { data: null, contentType, bytes: sent.bytes, withheld: 'stream' } : input;
    begin(watched, { ...watched.request, body, text, isObservedAfter: true });
  };

  const onCreate = (client: ClientRequest): void => {
    const watched = toWatched(client);
    if (watched === null || !ledger.mayConcern(isListed(watched.request.url))) return;
    watchedByRequest.set(client, watched);
    const { body } = client;
    const isHere = body === null || body === undefined || typeof body === 'string' || ArrayBuffer.isView(body);
    if (!isHere) return;
    const captured = toBodyInput(body, watched.request.headers['content-type'] ?? null);
    begin(watched, { ...watched.request, body: captured.input, text: captured.text });
  };

  const onHeaders = (watched: Watched, message: Message): void => {
    beginSent(watched);
    const { exchange } = watched;
    const response = message['response'] as { statusCode?: unknown; headers?: unknown } | undefined;
    const status = Number(response?.statusCode);
    if (exchange === null || !(status >= 200)) return;
    const headers = flatToHeaderMap(response?.headers);
    exchange.head(status, headers, true);
    watched.received = createWireBody(exchange, headers['content-encoding'], ledger);
  };

  const onReceived = (watched: Watched, chunk: Uint8Array): void => {
    isBodyTold = true;
    watched.received?.push(chunk);
  };

  const settle = (watched: Watched, how: (exchange: Exchange) => void): void => {
    const { exchange, received } = watched;
    if (exchange === null) return;
    if (!isBodyTold && (received?.bytes ?? 0) === 0) exchange.blind();
    if (received === null) how(exchange);
    else received.settle(how);
  };

  const handlers: Readonly<Record<string, (watched: Watched, message: Message) => void>> = {
    'undici:request:bodyChunkSent': (watched, { chunk }) => {
      if (!watched.isBegun) watched.sent.push(typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array));
    },
    'undici:request:bodySent': (watched) => beginSent(watched),
    'undici:request:headers': onHeaders,
    'undici:request:bodyChunkReceived': (watched, { chunk }) => onReceived(watched, chunk as Uint8Array),
    'undici:request:trailers': (watched) => settle(watched, (exchange) => exchange.end()),
    'undici:request:error': (watched, { error }) => {
      beginSent(watched);
      settle(watched, (exchange) => exchange.fail(error));
    },
  };

  const subscriptions: [string, (message: unknown) => void][] = [
    [
      'undici:request:create',
      (message) => void ledger.guard(() => onCreate((message as Message)['request'] as ClientRequest)),
    ],
    ...Object.entries(handlers).map(([name, handle]): [string, (message: unknown) => void] => [
      name,
      (message) =>
        void ledger.guard(() => {
          const watched = watchedByRequest.get((message as Message)['request'] as object);
          if (watched !== undefined) handle(watched, message as Message);
        }),
    ]),
  ];
  for (const [name, listener] of subscriptions) subscribe(name, listener);
  return () => {
    for (const [name, listener] of subscriptions) unsubscribe(name, listener);
  };
}
