import { EventEmitter, errorMonitor } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Exchange } from '../exchange.ts';
import type { Ledger } from '../ledger.ts';
import type { WireBody } from './wire-body.ts';

/** Who is told of an answer's body. */
export interface AnswerEar {
  readonly exchange: Exchange;
  readonly body: WireBody;
  readonly ledger: Ledger;
}

/**
 * Tells an exchange what its receiver reads of a body. The listener for 'data' is added as Node's own inspector adds
 * its: without the step that would set the stream flowing. A receiver that takes a 'readable' listener off while the
 * body still comes would be given a flowing stream because of ours; it is taken off before, and the record says that
 * the body was not observable.
 */
export function hearAnswer(response: IncomingMessage, { exchange, body, ledger }: AnswerEar): void {
  const { on, removeListener } = EventEmitter.prototype;
  const guarded = <A extends unknown[]>(fn: (...args: A) => void): ((...args: A) => void) => {
    return (...args) => void ledger.guard(() => fn(...args));
  };
  const onData = guarded((chunk: Uint8Array | string) =>
    body.push(typeof chunk === 'string' ? Buffer.from(chunk, response.readableEncoding ?? 'utf8') : chunk),
  );
  let isGivenUp = false;
  const onRemoved = guarded((name: string | symbol, listener: unknown) => {
    const isOurs = name === 'data' && listener === onData;
    if (response.readableEnded || response.destroyed || !(isOurs || name === 'readable')) return;
    // A request that its sender destroys drops all who listen to its answer: nothing more is to be heard.
    isGivenUp ||= isOurs && (response as { req?: ClientRequest }).req?.destroyed === true;
    if (isGivenUp) return;
    if (!isOurs) removeListener.call(response, 'data', onData);
    exchange.blind();
  });
  /** A connection that its own side closed says so in the words of a broken one. */
  const settle = (error: unknown): void =>
    body.settle(() => (error === null || isGivenUp ? exchange.leave() : exchange.fail(error)));
  const onEnd = guarded(() => body.settle(() => exchange.end()));
  const onClose = guarded(() => {
    if (!response.readableEnded) settle(response.errored);
  });
  on.call(response, 'data', onData);
  on.call(response, 'removeListener', onRemoved);
  on.call(response, errorMonitor, guarded(settle));
  on.call(response, 'end', onEnd);
  on.call(response, 'close', onClose);
}
