/** Deeper values are taken as changed: comparing them costs more than recording them anew. */
const depthMax = 64;

/** Same JSON by walking. Equal strings are nearly always one pointer, so 200 kB of conversation cost microseconds. */
export function isSame(a: unknown, b: unknown, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || depth > depthMax) return false;
  const shape = Object.getPrototypeOf(a);
  if (shape !== Object.getPrototypeOf(b) || (shape !== Object.prototype && shape !== Array.prototype && shape !== null))
    return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false;
    if (!isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}

/**
 * Gives values that are equal to remembered ones their remembered identity. The SDK converts the whole conversation
 * anew at every step; the recorder knows its contents by identity, so a conversation that only grew costs what is new.
 */
export interface Recall {
  /** The values, each replaced by the one remembered at its index under `key` where the two are equal. */
  of(key: object | null, values: readonly unknown[]): readonly unknown[];
}

/** A memory that lives as long as its keys do. */
export function createRecall(): Recall {
  const listByKey = new WeakMap<object, readonly unknown[]>();
  return {
    of(key, values) {
      if (key === null) return values;
      const known = listByKey.get(key);
      const list =
        known === undefined
          ? values
          : values.map((value, index) => (isSame(known[index], value, 0) ? known[index] : value));
      listByKey.set(key, list);
      return list;
    },
  };
}
