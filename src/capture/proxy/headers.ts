/** Headers as they came: name, value, name, value, in their order and spelling. */
export type RawHeaders = readonly string[];

/** A request with this header is recorded where it comes from, and only passed on. */
export const recordedHeader = 'x-tachograph-recorded';

/** Headers that speak of one connection, not of the exchange (RFC 9110 §7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Values of a header, all of its lines. */
export function valuesOf(raw: RawHeaders, name: string): string[] {
  return raw.filter((_value, index) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === name);
}

/** Headers that the connection's own header names as its own. */
function namedByConnection(raw: RawHeaders): Set<string> {
  const names = valuesOf(raw, 'connection').flatMap((value) => value.toLowerCase().split(','));
  return new Set(names.map((name) => name.trim()));
}

function keep(raw: RawHeaders, isKept: (name: string) => boolean): string[] {
  const named = namedByConnection(raw);
  return raw.flatMap((value, index) => {
    if (index % 2 === 1) return [];
    const name = value.toLowerCase();
    return hopByHop.has(name) || named.has(name) || !isKept(name) ? [] : [value, raw[index + 1]!];
  });
}

const isOurs = (name: string): boolean => name.startsWith('x-tachograph-');

/**
 * The headers of a request as its upstream gets them: the client's own, in order and spelling, with the upstream's host, and
 * a length of zero where a body could be and none is.
 */
export function toUpstreamHeaders(raw: RawHeaders, host: string, method: string): string[] {
  const headers = keep(raw, (name) => name !== 'host' && name !== 'expect' && !isOurs(name));
  const isChunked = valuesOf(raw, 'transfer-encoding').length > 0;
  const isMeasured = valuesOf(raw, 'content-length').length > 0;
  if (isChunked) headers.push('Transfer-Encoding', 'chunked');
  else if (!isMeasured && /^(?:POST|PUT|PATCH)$/.test(method)) headers.push('Content-Length', '0');
  return ['Host', host, ...headers];
}

/** The headers of an answer as the client gets them; `location` takes the place of the upstream's. */
export function toClientHeaders(raw: RawHeaders, location: string | null): string[] {
  const headers = keep(raw, (name) => location === null || name !== 'location');
  return location === null ? headers : [...headers, 'Location', location];
}

/** Trailers as pairs, without those that would speak of the connection or the length. */
export function toTrailerPairs(raw: RawHeaders): [string, string][] {
  const kept = keep(raw, (name) => name !== 'content-length' && name !== 'host');
  return kept.flatMap((name, index) => (index % 2 === 0 ? [[name, kept[index + 1]!] as [string, string]] : []));
}
