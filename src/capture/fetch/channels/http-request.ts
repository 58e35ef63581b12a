import type { ClientRequest } from 'node:http';
import type { ExchangeRequest } from '../exchange-request.ts';
import { flatToHeaderMap, toBodyInput, valuesToHeaderMap } from '../exchange-request.ts';

/** A request of node:http as far as it can be seen before its body is written. */
export type HttpRequest = Pick<ExchangeRequest, 'method' | 'url' | 'headers'>;

/** Method, address and headers of a request; `null` for one that is no HTTP exchange: a tunnel or an upgrade. */
export function toHttpRequest(request: ClientRequest): HttpRequest | null {
  const { method, protocol, host, path } = request;
  const headers = valuesToHeaderMap(request.getHeaders());
  if (method === 'CONNECT' || headers['upgrade'] !== undefined) return null;
  // Through a proxy the path is a whole address.
  const href = /^https?:\/\//.test(path) ? path : `${protocol}//${headers['host'] ?? host}${path}`;
  return URL.canParse(href) ? { method, url: new URL(href), headers } : null;
}

/** What waits to be written, as node:http queues it until the request has a socket. */
function queuedBytes(request: ClientRequest): Buffer | null {
  const queue = (request as { outputData?: unknown }).outputData;
  if (!Array.isArray(queue) || queue.length === 0) return null;
  const pieces: Buffer[] = [];
  for (const { data, encoding } of queue as { data?: unknown; encoding?: BufferEncoding | null }[]) {
    if (typeof data === 'string') pieces.push(Buffer.from(data, encoding ?? 'utf8'));
    else if (ArrayBuffer.isView(data)) pieces.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    else return null;
  }
  return Buffer.concat(pieces);
}

/** The chunks of a chunked body in one piece; `null` when they do not add up. */
function joinChunks(bytes: Buffer): Buffer | null {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) return null;
    if (size === 0) return Buffer.concat(chunks);
    at = lineEnd + 2;
    if (at + size > bytes.length) return null;
    chunks.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  return null;
}

type Sent = Pick<ExchangeRequest, 'headers' | 'body' | 'text'>;

/** What is said of a body that is not captured, or of none. */
function withheldBody(request: ClientRequest, headers: Readonly<Record<string, string>>, why: string): Sent {
  const isBare = headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
  const isWithout = request.writableEnded || /^(?:GET|HEAD|DELETE|OPTIONS)$/.test(request.method);
  if (isBare && isWithout) return { headers, body: null, text: null };
  const length = headers['content-length'] ?? '';
  const bytes = /^\d+$/.test(length) ? Number(length) : null;
  return {
    headers,
    body: { data: null, contentType: headers['content-type'] ?? null, bytes, withheld: why },
    text: null,
  };
}

/**
 * The body of a request that has just been given its socket and has written nothing to it yet: what its sender wrote in
 * the turn that made it. One that is still being written is not captured. Reads the queue of node:http, an undocumented
 * property; where it is missing the record says that the body was not observable.
 */
export function toQueuedBody(request: ClientRequest, known: Readonly<Record<string, string>>): Sent {
  const bytes = queuedBytes(request);
  const headEnd = bytes?.indexOf('\r\n\r\n') ?? -1;
  const isOver = request.writableEnded;
  if (bytes === null || headEnd === -1) return withheldBody(request, known, isOver ? 'not-observable' : 'stream');
  // Lengths, and headers given as a list, are known from what is sent only.
  const headers = { ...flatToHeaderMap(bytes.toString('latin1', bytes.indexOf('\r\n') + 2, headEnd)), ...known };
  if (!isOver) return withheldBody(request, headers, 'stream');
  if (/multipart\//i.test(headers['content-type'] ?? '')) return withheldBody(request, headers, 'form-data');
  const rest = bytes.subarray(headEnd + 4);
  const body = /chunked/i.test(headers['transfer-encoding'] ?? '') ? joinChunks(rest) : rest;
  if (body === null) return withheldBody(request, headers, 'not-observable');
  const { input, text } = toBodyInput(body.length === 0 ? null : body, headers['content-type'] ?? null);
  return { headers, body: input, text };
}
