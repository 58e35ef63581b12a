import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { afterAll } from 'vitest';
import type { CaptureLayer } from './index.ts';

/** What a test writes onto the socket, given the request as it came. */
export type Wire = (socket: Socket, request: string) => void;

/** A server of bare sockets: what it answers need not be HTTP at all. */
export interface RawServer {
  readonly origin: string;
  answer: Wire;
  /** Requests as they came, in order. */
  readonly requests: string[];
}

/** Opens one for a test file. A request is over when its announced length, or its last chunk, has come. */
export async function openRawServer(): Promise<RawServer> {
  const requests: string[] = [];
  const raw = { origin: '', requests, answer: (() => undefined) as Wire };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const length = /content-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1];
      const isChunked = /transfer-encoding: chunked/i.test(text.slice(0, headEnd));
      const isWhole = isChunked ? text.endsWith('0\r\n\r\n') : text.length - headEnd - 4 >= Number(length ?? 0);
      if (!isWhole) return;
      const request = text;
      text = '';
      requests.push(request);
      raw.answer(socket, request);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  raw.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return raw;
}

/** Head of an answer. */
export function head(status: number, headers: Readonly<Record<string, string | number>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Word\r\n${lines.join('')}\r\n`;
}

/** One chunk of a chunked body; an empty one ends it. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** An answer in the hands of a client. */
export interface Taken {
  readonly status: number;
  /** Reads on until at least so many bytes came in all, or the end; answers what came. */
  read(bytesMin?: number): Promise<string>;
  /** Gives the body up. */
  leave(): Promise<void>;
}

/** A way to send requests, and the layer that sees them. */
export interface RawClient {
  readonly layer: CaptureLayer;
  send(url: string, init?: { method?: string; body?: string; signal?: AbortSignal }): Promise<Taken>;
}

const headers = { 'content-type': 'application/json', authorization: 'Bearer sk-hidden-key-000000' };

const byFetch = async (...[url, init = {}]: Parameters<RawClient['send']>): Promise<Taken> => {
  const response = await fetch(url, { method: init.body === undefined ? 'GET' : 'POST', headers, ...init });
  const reader = response.body?.getReader();
  let text = '';
  return {
    status: response.status,
    async read(bytesMin = Infinity) {
      while (text.length < bytesMin && reader !== undefined) {
        const { done, value } = await reader.read();
        if (done) break;
        text += Buffer.from(value).toString('latin1');
      }
      return text;
    },
    leave: async () => reader?.cancel(),
  };
};

const byHttp = async (...[url, init = {}]: Parameters<RawClient['send']>): Promise<Taken> => {
  const { body, signal, method = body === undefined ? 'GET' : 'POST' } = init;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false, ...(signal === undefined ? {} : { signal }) });
    request.on('response', resolve).on('error', reject).end(body);
  });
  let text = '';
  let isHeard = false;
  let isOver = false;
  let failure: Error | null = null;
  let wake = (): void => undefined;
  const over = (error: Error | null): void => {
    isOver = true;
    failure ??= error;
    wake();
  };
  return {
    status: response.statusCode!,
    async read(bytesMin = Infinity) {
      if (!isHeard) {
        isHeard = true;
        response.on('end', () => over(null)).on('error', over);
        response.on('data', (bytes: Buffer) => {
          text += bytes.toString('latin1');
          wake();
        });
      }
      while (text.length < bytesMin && !isOver) await new Promise<void>((resolve) => void (wake = resolve));
      if (failure !== null) throw failure as Error;
      return text;
    },
    async leave() {
      response.on('error', () => undefined).destroy();
    },
  };
};

/** The clients of a process, each seen by its own layer. */
export const rawClients: readonly RawClient[] = [
  { layer: 'fetch', send: byFetch },
  { layer: 'channels', send: byFetch },
  { layer: 'http', send: byHttp },
];
