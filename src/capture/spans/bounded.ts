const entriesMax = 10_000;

/** Sets a key; past `max` entries the oldest is forgotten: what never ends must not pile up. */
export function setBounded<V>(map: Map<string, V>, [key, value]: readonly [string, V], max = entriesMax): void {
  map.set(key, value);
  if (map.size <= max) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
