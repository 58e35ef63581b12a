import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { TachographError } from '../core/error.ts';
import type { Caller } from './access/gate.ts';
import { refuseForeign } from './guard.ts';
import type { Answering } from './handler.ts';
import { secure } from './headers.ts';
import { errorToProblem, toProblem } from './problem.ts';

/**
 * What answers under a path of its own, byte by byte, where requests and responses as objects would stand in the way. It is
 * asked only after the guard has let the request pass.
 */
export interface Mount {
  /** With a slash at both ends. */
  readonly path: string;
  /** Further `Host` values, as the handler has them. */
  readonly allowedHosts?: readonly string[];
  /** Says who may not; left out, everybody may who can reach the server. */
  readonly refuse?: (caller: Caller) => Promise<Response | null>;
  handle(incoming: IncomingMessage, outgoing: ServerResponse): void;
}

/** Where to listen. */
export interface ServerOptions {
  readonly handler: Answering;
  readonly mount?: Mount | null;
  /** 0 for any free one. */
  readonly port: number;
  /** 127.0.0.1 unless said. */
  readonly host?: string;
  /** Every request needs a key: only then may the address be one that others reach. */
  readonly isKeyRequired?: boolean;
  /** How long a client may take for a request's head, and for all of it. */
  readonly patience?: { readonly headersMs: number; readonly requestMs: number };
  /** Told of every failure beside the handler, which has its own. */
  readonly onError?: (error: unknown) => void;
}

/** A listening server. */
export interface Server {
  readonly url: string;
  readonly port: number;
  /** Stops accepting, ends streams, waits for requests under way and cuts what is left after `timeoutMs` (10 s unless said). */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

const hostDefault = '127.0.0.1';
const closeMs = 10_000;
const tidyMs = 20;

/** A connection on which nothing moves for so long is dropped; streams send a heartbeat well within it. */
const idleMs = 120_000;
const patienceDefault = { headersMs: 10_000, requestMs: 30_000 };
/** How often it is looked for clients that take too long. Node's own 30 s would let a slow head live four times as long as said. */
const lookMsMax = 1000;

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function checkPlace({ host = hostDefault, port, isKeyRequired = false }: ServerOptions): void {
  if (!isLoopback(host) && !isKeyRequired) {
    throw new TachographError(
      'bind-refused',
      `${JSON.stringify(host)} is an address that others reach, and no key is asked for: whoever reached it could read every record. ` +
        'Make a key first (tachograph keys create), or bind to 127.0.0.1.',
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TachographError(
      'bad-argument',
      `The port is ${port}; give a whole number from 0 (any free one) to 65535.`,
    );
  }
}

function listenError(error: unknown, host: string, port: number): TachographError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new TachographError(
      'port-taken',
      `Port ${port} on ${host} is taken. Give another one, or 0 for any free one.`,
      { cause: error },
    );
  }
  return new TachographError(
    'bind-refused',
    `The system refused to listen on ${host}:${port} (${code ?? 'unknown'}). Give another port.`,
    { cause: error },
  );
}

function listen(server: HttpServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** How a listening address is asked for: every address of this machine by its loopback. */
function toName(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  const name = host === '::' ? '::1' : host;
  return name.includes(':') ? `[${name}]` : name;
}

const remoteOf = ({ socket }: { socket: { remoteAddress?: string } }): string | null => socket.remoteAddress ?? null;

const keyHeader = 'x-tachograph-key';

/** Takes our own key out of a request: what it is passed on to, or recorded by, never sees it. */
function withoutKey(incoming: IncomingMessage): IncomingMessage {
  delete incoming.headers[keyHeader];
  const { rawHeaders } = incoming;
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2)
    if (rawHeaders[at]!.toLowerCase() === keyHeader) rawHeaders.splice(at, 2);
  return incoming;
}

/** Hands a request to the mount, or answers with what the guard says against it. */
async function handMounted(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  at: { readonly port: number; readonly mount: Mount },
): Promise<void> {
  const { headers, method = 'GET' } = incoming;
  const get = (name: string): string | null => {
    const value = headers[name];
    return value === undefined ? null : String(value);
  };
  const asked = { method, url: `http://${headers.host ?? 'localhost'}/`, headers: { get } };
  const refused = refuseForeign(asked, at.port, { allowedHosts: at.mount.allowedHosts ?? [] });
  const answer = refused ?? (await at.mount.refuse?.({ headers: asked.headers, remote: remoteOf(incoming) })) ?? null;
  if (answer === null) return at.mount.handle(withoutKey(incoming), outgoing);
  return sendProblem(answer, outgoing);
}

async function sendProblem(answer: Response, outgoing: ServerResponse): Promise<void> {
  if (outgoing.headersSent) return void outgoing.destroy();
  const { status, headers: said } = secure(answer);
  outgoing.writeHead(status, Object.fromEntries(said));
  outgoing.end(await answer.text());
  return undefined;
}

/** Serves a handler over HTTP. `bind-refused` for an address that others reach when no key is asked for, `port-taken` when somebody is there. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const host = options.host ?? hostDefault;
  checkPlace(options);
  const { handler, mount = null, onError = () => undefined, patience = patienceDefault } = options;
  let port = options.port;
  const listener = getRequestListener(
    (request, { incoming, outgoing }) =>
      handler(request, { port, remote: remoteOf(incoming), drop: () => void outgoing.destroy() }),
    {
      overrideGlobalObjects: false,
      // What cannot even be made a request of: a broken Host or target.
      errorHandler: () => secure(toProblem('bad-argument', 'The request target or its Host header is malformed.')),
    },
  );
  const server = createHttpServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: Math.min(lookMsMax, patience.headersMs),
      keepAliveTimeout: 5000,
    },
    (incoming, outgoing) => {
      if (mount !== null && incoming.url?.startsWith(mount.path) === true)
        handMounted(incoming, outgoing, { port, mount }).catch((error: unknown) => {
          onError(error);
          return sendProblem(errorToProblem(error), outgoing);
        });
      else void listener(incoming, outgoing);
    },
  );
  server.setTimeout(idleMs);
  port = await listen(server, host, options.port);
  let closed: Promise<void> | null = null;

  return {
    url: `http://${toName(host)}:${port}`,
    port,
    close({ timeoutMs = closeMs } = {}) {
      closed ??= new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
        // A connection whose last answer has gone out would otherwise be kept open for the next request.
        const tidy = setInterval(() => server.closeIdleConnections(), tidyMs);
        server.close(() => {
          clearTimeout(cut);
          clearInterval(tidy);
          resolve();
        });
        handler.close();
        server.closeIdleConnections();
      });
      return closed;
    },
  };
}
