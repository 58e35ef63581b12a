import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import type { AddressInfo } from 'node:net';
import { answer } from './answers.ts';
import type { FixtureRun } from './fixture-run.ts';

/** The policy that the real server sends, word for word. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A server of fixtures over real HTTP, for looking at the viewer and for its browser tests. */
export interface FixtureServer {
  readonly url: string;
  readonly server: Server;
  readonly fixtures: Map<string, FixtureRun>;
  /** Every request for data, as `GET /api/…`. */
  readonly requests: string[];
  /** Sends what changed in a run to those who follow it. */
  readonly announce: (fixture: FixtureRun) => void;
  /** Ends every stream, and refuses new ones while `down`. */
  readonly setDown: (down: boolean) => void;
  readonly close: () => Promise<void>;
}

type Stream = { readonly response: ServerResponse; readonly runId: string | null; lastSeq: number };

function sendFile(dist: string, path: string, response: ServerResponse): void {
  const file = join(dist, normalize(path));
  const found = file.startsWith(dist) && existsSync(file) && statSync(file).isFile() ? file : join(dist, 'index.html');
  response.writeHead(200, {
    'content-type': mediaTypes[extname(found)] ?? 'application/octet-stream',
    'cache-control': 'no-cache',
  });
  createReadStream(found).pipe(response);
}

/** Starts the server on the loopback; port 0 is any free one. `dist` holds the built viewer. */
export async function startFixtureServer(list: readonly FixtureRun[], dist: string, port = 0): Promise<FixtureServer> {
  const fixtures = new Map(list.map((fixture) => [fixture.run.id, fixture]));
  const streams = new Set<Stream>();
  const requests: string[] = [];
  let isDown = false;
  const sendEvents = (stream: Stream): void => {
    const fixture = fixtures.get(stream.runId ?? '');
    for (const event of fixture?.events ?? []) {
      if (event.seq <= stream.lastSeq) continue;
      stream.response.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
      stream.lastSeq = event.seq;
    }
  };
  const openStream = (request: IncomingMessage, response: ServerResponse, runId: string | null): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write('retry: 1000\n\n');
    const stream: Stream = { response, runId, lastSeq: Number(request.headers['last-event-id'] ?? 0) || 0 };
    streams.add(stream);
    request.on('close', () => streams.delete(stream));
    sendEvents(stream);
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    response.setHeader('content-security-policy', contentSecurityPolicy);
    response.setHeader('x-content-type-options', 'nosniff');
    if (!url.pathname.startsWith('/api/')) return sendFile(dist, url.pathname, response);
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (isDown) return void request.socket.destroy();
    const follows = /^\/api\/v1\/runs\/(?:(stream)|([^/]+)\/events)$/.exec(url.pathname);
    if (follows !== null && request.headers.accept === 'text/event-stream')
      return openStream(request, response, follows[2] ?? null);
    const body = answer(fixtures, url);
    const status = body === null ? 404 : 200;
    response.writeHead(status, { 'content-type': status === 200 ? 'application/json' : 'application/problem+json' });
    response.end(
      JSON.stringify(
        body ?? {
          type: 'about:blank',
          title: 'Not found',
          status,
          code: 'run-not-found',
          detail: 'There is no such run.',
          field: null,
        },
      ),
    );
  };
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    fixtures,
    requests,
    announce: (fixture) => {
      for (const stream of streams) {
        if (stream.runId === null)
          stream.response.write(`event: run\ndata: ${JSON.stringify({ run: fixture.run })}\n\n`);
        else if (stream.runId === fixture.run.id) {
          sendEvents(stream);
          stream.response.write(`event: run\ndata: ${JSON.stringify({ run: fixture.run })}\n\n`);
        }
      }
    },
    setDown: (down) => {
      isDown = down;
      if (down) for (const stream of streams) stream.response.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
