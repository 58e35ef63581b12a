import type { ClientRequest, IncomingMessage } from 'node:http';
import type { ExchangeRequest } from '../fetch/exchange-request.ts';
import { toBodyInput } from '../fetch/exchange-request.ts';
import { toTrailerPairs } from './headers.ts';

// A request's body on its way up. It flows as it comes; of one that the record shows, the last byte waits until the
// start is written: what is not whole cannot have left as a call (I3).
//
//   client ──► chunk ──► chunk ──► … ──► last byte ──► begin() ──► last byte ──► upstream
//                 └────────└──────► upstream, at once

/** What is known of a body when the recording of its request begins. */
export type SentBody = Pick<ExchangeRequest, 'body' | 'text'>;

/** How a request's body is sent on. */
export interface BodyFlow {
  readonly incoming: IncomingMessage;
  readonly upstream: ClientRequest;
  /** The recording begins with this body. Called once, before the last byte leaves. */
  readonly begin: (body: SentBody) => void;
  readonly onBroken: () => void;
}

/** Bodies past this are not held in memory; the record says how large they were. */
const capturedBytesMax = 32 * 1024 * 1024;

function lengthOf(incoming: IncomingMessage): number | null {
  const text = incoming.headers['content-length'] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function isTextual(contentType: string | null): boolean {
  return contentType === null || /json|text|form-urlencoded/i.test(contentType);
}

/** Sends a body on. The function given back tells what came of it so far, for an answer that comes before its end. */
export function sendBody(flow: BodyFlow): () => SentBody {
  const { incoming, upstream } = flow;
  const length = lengthOf(incoming);
  const contentType = incoming.headers['content-type'] ?? null;
  const encoding = incoming.headers['content-encoding'];
  const chunks: Buffer[] = [];
  let bytes = 0;
  let held: Buffer | null = null;
  let isKept = isTextual(contentType) && encoding === undefined && (length ?? 0) <= capturedBytesMax;
  let isBegun = false;

  const withheld = (why: string): SentBody => ({
    body: { data: null, contentType, bytes: length, withheld: why },
    text: null,
  });
  const whole = (): SentBody => {
    if (bytes === 0) return { body: null, text: null };
    const { input, text } = toBodyInput(Buffer.concat(chunks, bytes), contentType);
    return { body: input, text };
  };
  const begin = (body: SentBody): void => {
    if (isBegun) return;
    isBegun = true;
    flow.begin(body);
    chunks.length = 0;
  };
  const why = (): string => (isTextual(contentType) ? (encoding === undefined ? 'too-large' : 'encoded') : 'stream');

  const write = (chunk: Buffer): void => {
    if (upstream.write(chunk)) return;
    incoming.pause();
    upstream.once('drain', () => incoming.resume());
  };
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    if (bytes <= capturedBytesMax) return;
    isKept = false;
    begin(withheld('too-large'));
  };

  if (!isKept && length !== 0) begin(withheld(why()));
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isKept) keep(chunk);
    if (length !== null && bytes >= length) begin(whole());
    if (isBegun || length !== null) {
      if (held !== null) write(held);
      held = null;
      return write(chunk);
    }
    const last = chunk.length - 1;
    if (held !== null) write(held);
    if (last > 0) write(chunk.subarray(0, last));
    held = chunk.subarray(last);
  });
  incoming.on('end', () => {
    begin(whole());
    const trailers = toTrailerPairs(incoming.rawTrailers);
    if (trailers.length > 0) upstream.addTrailers(trailers);
    upstream.end(held ?? undefined);
    held = null;
  });
  incoming.on('error', flow.onBroken);
  // An answer that does not wait for the body's end is recorded without it.
  return () => (bytes === 0 && length === 0 ? { body: null, text: null } : withheld('stream'));
}
