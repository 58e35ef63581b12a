import { toProblem } from './problem.ts';

/** What the guard is told of the place it guards. */
export interface GuardOptions {
  /**
   * Further `Host` values to answer, as `name` (any port) or `name:port`, for a proxy in front or a forwarded port. `*` for
   * every name: only where each request needs a key, which no page of another name has.
   */
  readonly allowedHosts: readonly string[];
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What the guard reads of a request, whichever form it came in. */
export interface GuardedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

interface Host {
  readonly name: string;
  readonly port: number;
}

function parseHost(text: string): Host | null {
  const match = /^(\[[0-9a-f:]+\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?$/.exec(text.toLowerCase());
  return match === null ? null : { name: match[1]!, port: match[2] === undefined ? 80 : Number(match[2]) };
}

function isHostAllowed(text: string, port: number | null, allowedHosts: readonly string[]): boolean {
  const host = parseHost(text);
  if (host === null) return false;
  if (loopbackNames.has(host.name) && (port === null || host.port === port)) return true;
  return allowedHosts.some(
    (allowed) =>
      allowed === '*' || allowed.toLowerCase() === host.name || allowed.toLowerCase() === `${host.name}:${host.port}`,
  );
}

function isSameOrigin(origin: string, host: string): boolean {
  const lower = host.toLowerCase();
  return origin === `http://${lower}` || origin === `https://${lower}`;
}

const isWrite = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';

/**
 * Refuses what a foreign web page could make a browser send. A `Host` that is not this server's own means a name was
 * pointed at the loopback address to read the record from outside; a foreign `Origin` or `Sec-Fetch-Site` means another
 * page writes or reads. Programs that are no browsers send neither and pass.
 */
export function refuseForeign(request: GuardedRequest, port: number | null, options: GuardOptions): Response | null {
  const host = request.headers.get('host') ?? new URL(request.url).host;
  if (!isHostAllowed(host, port, options.allowedHosts)) {
    return toProblem(
      'host-refused',
      'This server answers under its own loopback address only. Start it with this name among its allowed hosts to use another.',
    );
  }
  const origin = request.headers.get('origin');
  if (origin !== null && !isSameOrigin(origin, host)) {
    return toProblem(
      'origin-refused',
      'Requests from other origins are refused. Open the viewer at the address the server printed.',
    );
  }
  const site = request.headers.get('sec-fetch-site');
  const isForeignSite = site === 'cross-site' || site === 'same-site';
  const isNavigation = request.headers.get('sec-fetch-mode') === 'navigate';
  if (isForeignSite && (isWrite(request.method) || !isNavigation)) {
    return toProblem(
      'origin-refused',
      'Requests made by other sites are refused. Open the viewer at the address the server printed.',
    );
  }
  return null;
}
