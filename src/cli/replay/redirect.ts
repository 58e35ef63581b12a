import { Socket } from 'node:net';
import type { HostMatcher } from '../../capture/fetch/hosts.ts';
import { createHostMatcher } from '../../capture/fetch/hosts.ts';
import { TachographError } from '../../core/error.ts';
import { redirectHttp } from './redirect-http.ts';

// In a program that is replayed: requests to model hosts by fetch, by any client of undici's shared dispatcher, or by
// node:http and node:https, go to the replay on loopback. Every other connection to these hosts is refused, so that
// nothing is asked live by mistake.

type Variables = Readonly<Record<string, string | undefined>>;

/** Carries the address that a redirected request was meant for. */
export const targetHeader = 'x-tachograph-url';

interface DispatchOptions {
  readonly origin?: string | URL;
  readonly path: string;
  readonly headers?: unknown;
  readonly query?: Readonly<Record<string, unknown>> | null;
}

interface Dispatcher {
  dispatch(options: DispatchOptions, handler: unknown): boolean;
}

function toTarget({ origin, path, query }: DispatchOptions): URL | null {
  if (origin === undefined || !URL.canParse(path, String(origin))) return null;
  const url = new URL(path, String(origin));
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.append(name, String(value));
  return url;
}

/** Headers in whichever form a client of undici gives them, with one more. */
function withHeader(headers: unknown, name: string, value: string): unknown {
  if (headers === null || headers === undefined) return { [name]: value };
  if (Array.isArray(headers))
    return Array.isArray(headers[0])
      ? [...(headers as unknown[]), [name, value]]
      : [...(headers as unknown[]), name, value];
  const entries =
    Symbol.iterator in (headers as object)
      ? (headers as Iterable<[string, string]>)
      : Object.entries(headers as object);
  return { ...Object.fromEntries(entries), [name]: value };
}

function redirectDispatcher(inner: Dispatcher, replay: URL, isListed: HostMatcher): Dispatcher {
  const dispatch = (options: DispatchOptions, handler: unknown): boolean => {
    const target = toTarget(options);
    if (target === null || target.host === replay.host || !isListed(target)) return inner.dispatch(options, handler);
    const { query: _moved, ...rest } = options;
    const headers = withHeader(options.headers, targetHeader, target.href);
    const path = `${target.pathname}${target.search}`;
    return inner.dispatch({ ...rest, origin: replay.origin, path, headers }, handler);
  };
  return new Proxy(inner, {
    get(of, name) {
      if (name === 'dispatch') return dispatch;
      const value: unknown = Reflect.get(of, name);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(of) : value;
    },
  });
}

const sharedDispatcher = Symbol.for('undici.globalDispatcher.1');

function toUrl(input: unknown): URL | null {
  const text =
    typeof input === 'string' ? input : input instanceof URL ? input.href : (input as { url?: unknown })?.url;
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
}

/** The process's fetch, which sends what is listed by our dispatcher whatever the caller asks for. */
function redirectFetch(dispatcher: Dispatcher, isListed: HostMatcher): void {
  const original = globalThis.fetch;
  globalThis.fetch = function fetch(input: Parameters<typeof original>[0], init?: RequestInit): Promise<Response> {
    const url = toUrl(input);
    return url !== null && isListed(url)
      ? original(input, { ...init, dispatcher } as RequestInit)
      : original(input, init);
  } as typeof original;
}

/** Where a socket is about to connect to, from the arguments of `connect`; `null` for a path on the disk. */
function toAddress(args: readonly unknown[]): { readonly host: string; readonly port: number } | null {
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  if (typeof first === 'number') return { host: typeof args[1] === 'string' ? args[1] : 'localhost', port: first };
  if (typeof first !== 'object' || first === null) return null;
  const { host, port, servername } = first as { host?: unknown; port?: unknown; servername?: unknown };
  const name = typeof host === 'string' ? host : typeof servername === 'string' ? servername : 'localhost';
  return port === undefined ? null : { host: name, port: Number(port) };
}

function refuseConnections(replay: URL, isListed: HostMatcher): void {
  // Taken as a plain function: it is called with the socket's own `this`.
  const original = Reflect.get(Socket.prototype, 'connect') as (this: Socket, ...args: unknown[]) => Socket;
  Socket.prototype.connect = function connect(this: Socket, ...args: unknown[]): Socket {
    const address = toAddress(args);
    const text =
      address === null
        ? ''
        : `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    const isOurs = address !== null && String(address.port) === replay.port && address.host === replay.hostname;
    if (!URL.canParse(text) || isOurs || !isListed(new URL(text))) return original.apply(this, args);
    const error = new TachographError(
      'replay-not-recorded',
      `The network is off for ${address!.host}: a replay answers fetch, undici and node:http, and this connection was made by another client.`,
    );
    process.nextTick(() => this.destroy(error));
    return this;
  } as typeof Socket.prototype.connect;
}

/** Sends this process's requests to the listed hosts to the replay that `TACHOGRAPH_REPLAY` names. */
export function redirectRequests(variables: Variables): void {
  const replay = new URL(variables['TACHOGRAPH_REPLAY']!);
  const isListed = createHostMatcher((variables['TACHOGRAPH_REPLAY_HOSTS'] ?? '').split(','));
  // Naming one of fetch's classes makes the runtime load them, and with them the dispatcher that all share.
  void globalThis.Headers;
  const globals = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  const inner = globals[sharedDispatcher];
  redirectHttp({ replay, isListed, addTarget: (headers, { href }) => withHeader(headers, targetHeader, href) });
  refuseConnections(replay, isListed);
  if (inner === undefined) return;
  const dispatcher = redirectDispatcher(inner, replay, isListed);
  globals[sharedDispatcher] = dispatcher;
  redirectFetch(dispatcher, isListed);
}
