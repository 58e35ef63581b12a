import http from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { urlToHttpOptions } from 'node:url';
import type { HostMatcher } from '../../capture/fetch/hosts.ts';

// Clients of node:http and node:https in a program that is replayed: their requests to model hosts go to the replay, as
// plain HTTP on loopback. Both modules are changed before the program's first line, for `require` and `import` alike.

type Listener = (response: IncomingMessage) => void;
type Send = (options: RequestOptions, listener?: Listener) => ClientRequest;
type Protocol = 'http:' | 'https:';

/** Where requests go instead, and how they say what they were meant for. */
export interface HttpRedirect {
  readonly replay: URL;
  readonly isListed: HostMatcher;
  /** The headers of a request, in the form its sender gave them, with the target's. */
  readonly addTarget: (headers: unknown, target: URL) => unknown;
}

/** Options that say something of the request, not of the connection that it was to take. */
const requestOptions = [
  ...['method', 'auth', 'signal', 'timeout', 'setHost', 'maxHeaderSize', 'insecureHTTPParser'],
  ...['joinDuplicateHeaders', 'uniqueHeaders', 'highWaterMark'],
];

/** The arguments of `request` as one object of options, as Node itself reads them. */
function readArguments(args: readonly unknown[]): { options: RequestOptions; listener: Listener | undefined } {
  const [first, ...rest] = args;
  const isUrl = typeof first === 'string' || first instanceof URL;
  const fromUrl = isUrl ? urlToHttpOptions(new URL(first)) : {};
  const [given, listener] = isUrl ? rest : [first, rest[0]];
  const [options, last] = typeof given === 'function' ? [{}, given] : [given, listener];
  return {
    options: { ...fromUrl, ...(options as RequestOptions | undefined) } as RequestOptions,
    listener: typeof last === 'function' ? (last as Listener) : undefined,
  };
}

/** What a request is meant for; `null` for one that goes to a path on the disk. */
function toTarget(options: RequestOptions, protocol: Protocol): URL | null {
  if (typeof options.socketPath === 'string') return null;
  const path = options.path ?? '/';
  // Sent to a proxy, a request names its whole target as its path.
  if (/^https?:\/\//i.test(path)) return URL.canParse(path) ? new URL(path) : null;
  const host = options.hostname ?? options.host ?? 'localhost';
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const port = options.port ?? options.defaultPort;
  const text = `${options.protocol ?? protocol}//${name}${port === undefined || port === null ? '' : `:${port}`}${path}`;
  return URL.canParse(text) ? new URL(text) : null;
}

function redirectModule(module: typeof http | typeof https, protocol: Protocol, to: HttpRedirect): void {
  const { replay, isListed, addTarget } = to;
  // Connections are the replay's: whatever agent a request was to take knows other hosts.
  const agent = new http.Agent({ keepAlive: true });
  const original = module.request as (...args: unknown[]) => ClientRequest;
  const send = http.request as Send;
  const request = (...args: unknown[]): ClientRequest => {
    const { options, listener } = readArguments(args);
    const target = toTarget(options, protocol);
    if (target === null || target.host === replay.host || !isListed(target)) return original.apply(module, args);
    const given = options as Readonly<Record<string, unknown>>;
    const kept = requestOptions.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]);
    return send(
      {
        ...(Object.fromEntries(kept) as RequestOptions),
        ...{ hostname: replay.hostname, port: replay.port, agent },
        // The whole address, as to a proxy: what is recorded of the request names the host that it was meant for.
        path: target.href,
        headers: addTarget(options.headers, target) as NonNullable<RequestOptions['headers']>,
      },
      listener,
    );
  };
  const get = (...args: unknown[]): ClientRequest => {
    const sent = request(...args);
    sent.end();
    return sent;
  };
  Object.assign(module, { request, get });
}

/** Sends what clients of node:http and node:https ask of listed hosts to the replay instead. */
export function redirectHttp(to: HttpRedirect): void {
  redirectModule(https, 'https:', to);
  redirectModule(http, 'http:', to);
  syncBuiltinESMExports();
}
