import { AsyncLocalStorage } from 'node:async_hooks';

/** One request that an upper layer records; lower layers pass it over until its answer's head has come. */
export interface Sighting {
  isOpen: boolean;
  /** `METHOD url` of the request as it will be seen below, until it was. */
  key: string | null;
}

interface Sightings {
  readonly scope: AsyncLocalStorage<Sighting>;
  /** Requests still to be seen below, by key: a pooled connection may begin them in another request's scope. */
  readonly expected: Map<string, Set<Sighting>>;
}

// Shared by every copy of this module in the process, so that no two of them count one request.
const place = Symbol.for('tachograph.fetch.sightings');

function sightings(): Sightings {
  const globals = globalThis as unknown as Record<symbol, Sightings | undefined>;
  return (globals[place] ??= { scope: new AsyncLocalStorage(), expected: new Map() });
}

/** True inside a call that an upper layer records. Scope is read when a request begins, never later. */
export function isSeen(): boolean {
  return sightings().scope.getStore()?.isOpen === true;
}

/** Runs `fn`, the call of a recorded request, so that no lower layer records it again. */
export function withSighting<T>(method: string, url: URL, fn: (sighting: Sighting) => T): T {
  const { scope, expected } = sightings();
  const key = `${method} ${url.origin}${url.pathname}${url.search}`;
  const sighting: Sighting = { isOpen: true, key };
  expected.set(key, (expected.get(key) ?? new Set()).add(sighting));
  return scope.run(sighting, () => fn(sighting));
}

/** A layer in between sends the request to another address than it was recorded with. */
export function redirectSighting(method: string, url: URL): void {
  const { scope, expected } = sightings();
  const own = scope.getStore();
  const key = `${method} ${url.origin}${url.pathname}${url.search}`;
  if (own?.isOpen !== true || own.key === null || own.key === key) return;
  forgetKey(own);
  own.key = key;
  expected.set(key, (expected.get(key) ?? new Set()).add(own));
}

/** The request's answer has begun, or it failed: what begins in its scope from now on is the caller's own. */
export function closeSighting(sighting: Sighting): void {
  sighting.isOpen = false;
  forgetKey(sighting);
}

function forgetKey(sighting: Sighting): void {
  if (sighting.key === null) return;
  const { expected } = sightings();
  const set = expected.get(sighting.key);
  set?.delete(sighting);
  if (set?.size === 0) expected.delete(sighting.key);
  sighting.key = null;
}

/** True when a request that begins in a lower layer is one that an upper layer records. */
export function takeSighting(method: string, href: string): boolean {
  const { scope, expected } = sightings();
  const own = scope.getStore();
  if (own?.isOpen === true) {
    forgetKey(own);
    return true;
  }
  const other = expected.get(`${method} ${href}`)?.values().next().value;
  if (other === undefined) return false;
  forgetKey(other);
  return true;
}
