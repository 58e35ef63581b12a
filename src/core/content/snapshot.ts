/**
 * A flat picture of a JSON value: every key and every primitive, in walking order. Comparing a value with its picture
 * costs one comparison per key, and equal strings are usually the same pointer, so a 200 kB conversation is confirmed
 * unchanged in microseconds. An object mutated in place no longer matches.
 */
export interface Snapshot {
  readonly flat: readonly unknown[];
  /** The value holds something JSON.stringify would lose or bloat: bytes, bigint, errors, long base64. */
  readonly special: boolean;
}

/** Values with more entries than this are encoded anew each time rather than remembered. */
const entriesMax = 20_000;
const depthMax = 200;

/** Marks where an object or array ends, so that [[1],2] and [[1,2]] differ. */
const end = Symbol('end');

/** A picture of the value, or `null` when it is too large or too deep to be worth one. */
export function takeSnapshot(value: object): Snapshot | null {
  const flat: unknown[] = [];
  const state = { special: false };
  return fill(value, flat, state, 0) ? { flat, special: state.special } : null;
}

function fill(value: object, flat: unknown[], state: { special: boolean }, depth: number): boolean {
  if (depth > depthMax || flat.length > entriesMax) return false;
  if (isSpecialObject(value)) {
    state.special = true;
    flat.push(value);
    // Bytes can change behind the same reference; length is all that is compared, so they are not remembered.
    return !ArrayBuffer.isView(value);
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    flat.push(key);
    if (typeof item === 'object' && item !== null) {
      if (!fill(item, flat, state, depth + 1)) return false;
    } else {
      if (typeof item === 'bigint' || (typeof item === 'string' && isBulk(item))) state.special = true;
      flat.push(item);
    }
  }
  flat.push(end);
  return true;
}

/** True when the value still equals its picture. */
export function isUnchanged(value: object, snapshot: Snapshot): boolean {
  return walk(value, snapshot.flat, 0) === snapshot.flat.length;
}

function walk(value: object, flat: readonly unknown[], at: number): number {
  if (isSpecialObject(value)) return flat[at] === value ? at + 1 : -1;
  let next = at;
  for (const key in value) {
    if (flat[next] !== key) return -1;
    const item = (value as Record<string, unknown>)[key];
    next += 1;
    if (typeof item === 'object' && item !== null) {
      next = walk(item, flat, next);
      if (next === -1) return -1;
    } else {
      if (flat[next] !== item && !(item !== item && flat[next] !== flat[next])) return -1;
      next += 1;
    }
  }
  return flat[next] === end ? next + 1 : -1;
}

/** Objects whose JSON is not the sum of their keys. */
export function isSpecialObject(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Error ||
    value instanceof Map ||
    value instanceof Set ||
    typeof (value as { toJSON?: unknown }).toJSON === 'function'
  );
}

/** A long string that may be a file in base64; looked at closely by the encoder. */
function isBulk(text: string): boolean {
  return text.length > 2048 && isBase64Start(text);
}

/** True when the text begins like base64 or a base64 data URL: no white space in its first 2,000 characters. */
export function isBase64Start(text: string): boolean {
  return /^(?:data:[\w.+/-]+;base64,)?[A-Za-z0-9+/_-]{2000}/.test(text.slice(0, 2200));
}
