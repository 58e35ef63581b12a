import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange } from '../fetch/exchange.ts';
import { valuesToHeaderMap } from '../fetch/exchange-request.ts';
import type { Ledger } from '../fetch/ledger.ts';
import { createWireBody } from '../fetch/channels/wire-body.ts';
import { toClientHeaders, toTrailerPairs } from './headers.ts';

/** How an upstream's answer is passed on. */
export interface AnswerFlow {
  readonly answer: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly exchange: Exchange | null;
  readonly ledger: Ledger;
  /** Takes the place of the answer's own `location`; `null` leaves it. */
  readonly location: string | null;
}

/** Ends the recording of an answer, once all that came has been told. */
export type Settle = (how: (exchange: Exchange) => void) => void;

/** Tells an exchange of an answer as it passes. */
function createEar({ answer, exchange, ledger }: AnswerFlow): { push(chunk: Uint8Array): void; settle: Settle } {
  if (exchange === null) return { push: () => undefined, settle: () => undefined };
  const headers = valuesToHeaderMap(answer.headers);
  ledger.guard(() => exchange.head(answer.statusCode!, headers, true));
  // Nobody asks for more here as a reader does: the exchange is under way until it ends.
  exchange.wait(true);
  const body = ledger.guard(() => createWireBody(exchange, headers['content-encoding'], ledger)) ?? null;
  return {
    push: (chunk) => void ledger.guard(() => body?.push(chunk)),
    settle: (how) => void ledger.guard(() => (body === null ? how(exchange) : body.settle(how))),
  };
}

/**
 * Passes an answer on, byte for byte as it comes, head first; what its client does not take is not read. The function
 * given back ends the recording when the client leaves.
 */
export function sendAnswer(flow: AnswerFlow): Settle {
  const { answer, outgoing, location } = flow;
  const ear = createEar(flow);
  outgoing.sendDate = false;
  outgoing.writeHead(answer.statusCode!, answer.statusMessage ?? '', toClientHeaders(answer.rawHeaders, location));
  outgoing.flushHeaders();
  answer.on('data', (chunk: Buffer) => {
    // The client first: what the record makes of the bytes takes time.
    if (!outgoing.write(chunk)) {
      answer.pause();
      outgoing.once('drain', () => answer.resume());
    }
    ear.push(chunk);
  });
  answer.on('end', () => {
    const trailers = toTrailerPairs(answer.rawTrailers);
    if (trailers.length > 0) outgoing.addTrailers(trailers);
    outgoing.end();
    ear.settle((exchange) => exchange.end());
  });
  const broken = (error: unknown): void => {
    if (answer.complete) return;
    ear.settle((exchange) => exchange.fail(error));
    // Cut, as the upstream cut it: an end would make a whole answer of it.
    outgoing.destroy();
  };
  answer.on('error', broken);
  answer.on('aborted', () => broken(new Error('The upstream closed the connection before its answer was whole.')));
  return ear.settle;
}
