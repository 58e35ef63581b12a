const entriesMax = 10_000;

/** Sets a key; past a number the oldest entry is forgotten: what never ends must not pile up. */
export function boundedSet<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  if (map.size <= entriesMax) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
