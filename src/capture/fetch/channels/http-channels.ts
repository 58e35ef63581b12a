import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { governedStart } from '../../../core/work/gate.ts';
import type { Exchange } from '../exchange.ts';
import { valuesToHeaderMap } from '../exchange-request.ts';
import { enterLate } from '../spending/spending.ts';
import { takeSighting } from '../seen.ts';
import { hearAnswer } from './http-answer.ts';
import type { HttpRequest } from './http-request.ts';
import { toHttpRequest, toQueuedBody } from './http-request.ts';
import type { ChannelParts } from './undici-channels.ts';
import { createWireBody } from './wire-body.ts';

/**
 * The channels of node:http and node:https, whose clients many SDKs use:
 *
 *   created ─► 'socket' ─► response.finish (the head) ─► 'data' … ─► 'end'
 *      └──────────┴───────────────┴──────────┴────► request.error, 'close'
 *
 * The channels tell requests and answers, not bodies (Node 24.21). A request's body is read from what node:http has
 * queued at 'socket', before any of it leaves (I3). An answer's is heard by a 'data' listener that is put beside the
 * stream's own bookkeeping, as Node's inspector does, so that it starts nothing flowing.
 */

/** One request under way. */
interface Watched {
  readonly enter: <T>(fn: () => T) => T;
  readonly request: HttpRequest;
  isBegun: boolean;
  isAnswered: boolean;
  exchange: Exchange | null;
}

type Message = { readonly request: ClientRequest; readonly response?: IncomingMessage; readonly error?: unknown };

/** Subscribes to the channels; the function given back ends the subscription. */
export function subscribeHttpChannels({ ledger, isListed }: ChannelParts): () => void {
  const watchedByRequest = new WeakMap<ClientRequest, Watched>();

  const begin = (client: ClientRequest, watched: Watched): void => {
    if (watched.isBegun) return;
    watched.isBegun = true;
    const request = { ...watched.request, ...toQueuedBody(client, watched.request.headers), isObservedAfter: false };
    watched.enter(() => {
      const governed = governedStart(ledger.recorder);
      watched.exchange = ledger.begin(request, { isListed: isListed(request.url), isEverything: false });
      enterLate(governed, { exchange: watched.exchange, request }, (error) => client.destroy(error));
    });
  };

  const onCreated = ({ request: client }: Message): void => {
    const request = toHttpRequest(client);
    if (request === null || !ledger.mayConcern(isListed(request.url))) return;
    if (takeSighting(request.method, request.url.href)) return;
    const watched: Watched = {
      enter: AsyncLocalStorage.snapshot(),
      request,
      isBegun: false,
      isAnswered: false,
      exchange: null,
    };
    watchedByRequest.set(client, watched);
    client.once('socket', () => void ledger.guard(() => begin(client, watched)));
    client.once('close', () => void ledger.guard(() => onClosed(client, watched)));
  };

  /** Closed without an answer and without an error: its sender gave it up. */
  const onClosed = (client: ClientRequest, watched: Watched): void => {
    if (watched.exchange === null || watched.exchange.isEnded || watched.isAnswered) return;
    watched.exchange.fail(client.errored ?? new DOMException('The request was closed before its answer', 'AbortError'));
  };

  const onError = ({ request: client, error }: Message): void => {
    const watched = watchedByRequest.get(client);
    if (watched === undefined) return;
    begin(client, watched);
    watched.exchange?.fail(error);
  };

  const onAnswer = ({ request: client, response }: Message): void => {
    const watched = watchedByRequest.get(client);
    if (watched === undefined || response === undefined || !(response.statusCode! >= 200)) return;
    begin(client, watched);
    const { exchange } = watched;
    if (exchange === null) return;
    watched.isAnswered = true;
    const headers = valuesToHeaderMap(response.headers);
    exchange.head(response.statusCode!, headers, true);
    hearAnswer(response, { exchange, body: createWireBody(exchange, headers['content-encoding'], ledger), ledger });
  };

  const subscriptions: readonly [string, (message: Message) => void][] = [
    ['http.client.request.created', onCreated],
    ['http.client.request.error', onError],
    ['http.client.response.finish', onAnswer],
  ];
  const guarded = subscriptions.map(
    ([name, handle]) => [name, (message: unknown) => void ledger.guard(() => handle(message as Message))] as const,
  );
  for (const [name, listener] of guarded) subscribe(name, listener);
  return () => {
    for (const [name, listener] of guarded) unsubscribe(name, listener);
  };
}
