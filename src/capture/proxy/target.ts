import type { Upstream } from './upstreams.ts';

/** Where every path of the proxy begins. */
export const proxyPath = '/proxy/';

/** Where a request goes. */
export interface Target {
  readonly upstream: Upstream;
  readonly url: URL;
  /** The request target, character for character as it is sent. */
  readonly path: string;
}

/** Segments that a server may read as "one up": the base path of an upstream is a wall. */
const climbs = /(?:^|[/\\])(?:\.|%2e){2}(?:[/\\?#]|%2f|%5c|$)/i;

/**
 * The upstream and path that a request's target names: `/proxy/<name>/<path>`. `null` for one that names none. The rest is
 * appended to the upstream's base, never resolved against it: no path leads to another host.
 */
export function toTarget(requestTarget: string, upstreams: ReadonlyMap<string, Upstream>): Target | null {
  const match = /^\/proxy\/([a-z0-9][a-z0-9._~-]*)(\/[^#\s]*|\?[^#\s]*)?$/.exec(requestTarget);
  const upstream = match === null ? undefined : upstreams.get(match[1]!);
  if (match === null || upstream === undefined) return null;
  const asked = match[2] === undefined ? '' : match[2];
  const query = asked.indexOf('?');
  const asPath = query === -1 ? asked : asked.slice(0, query);
  if (climbs.test(asPath)) return null;
  const rest = upstream.aliases.reduce((text, [from, to]) => text.replace(from, to), asked);
  const whole = `${upstream.base.pathname === '/' ? '' : upstream.base.pathname}${rest}`;
  const path = whole.startsWith('/') ? whole : `/${whole}`;
  const href = `${upstream.base.origin}${path}`;
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  return url.origin === upstream.base.origin ? { upstream, url, path } : null;
}

/**
 * Where an answer that redirects leads its client: the same place through the proxy. `null` when it leads to another host, or
 * out of the upstream's base: a client would take its key there, past the record.
 */
export function toProxiedLocation(location: string, { upstream, url }: Target): string | null {
  if (!URL.canParse(location, url)) return null;
  const next = new URL(location, url);
  const base = upstream.base.pathname === '/' ? '' : upstream.base.pathname;
  const isInside = next.pathname === base || next.pathname.startsWith(`${base}/`);
  if (next.origin !== upstream.base.origin || !isInside || next.username !== '' || next.password !== '') return null;
  return `${proxyPath}${upstream.name}${next.pathname.slice(base.length)}${next.search}${next.hash}`;
}
