import { isBase64File } from './stand-in.ts';

/**
 * A flat picture of a JSON value: every key and every primitive, in walking order. Comparing a value with its picture
 * costs one comparison per key, and equal strings are usually the same pointer, so a 200 kB conversation is confirmed
 * unchanged in microseconds. An object mutated in place no longer matches.
 */
export interface Snapshot {
  readonly flat: readonly unknown[];
}

/** Values with more entries than this are encoded anew each time rather than remembered. */
const entriesMax = 20_000;
const depthMax = 200;

/** Marks where an object or array ends, so that [[1],2] and [[1,2]] differ. */
const end = Symbol('end');

/**
 * A picture of the value, or `null` when it is too large or too deep to be worth one, or holds what may change without
 * a trace in its keys: bytes, maps, sets, errors, objects with a toJSON of their own. May throw where a getter does.
 */
export function takeSnapshot(value: object): Snapshot | null {
  const flat: unknown[] = [];
  return fill(value, flat, 0) ? { flat } : null;
}

/**
 * True for a value whose JSON is the sum of its keys, with nothing in it that JSON.stringify would refuse, bloat or lose:
 * no bigint, bytes, maps, sets, errors, long base64, nor a toJSON of its own. May throw where a getter does.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return !isBase64File(value);
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  if (isSpecialObject(value)) return isPlainDate(value);
  if (depth > depthMax) return false;
  for (const key of Object.keys(value))
    if (!isPlainJson((value as Record<string, unknown>)[key], depth + 1)) return false;
  return true;
}

function fill(value: object, flat: unknown[], depth: number): boolean {
  if (depth > depthMax || flat.length > entriesMax) return false;
  if (isSpecialObject(value)) {
    // What it holds can change behind the same reference and shows in no key: only a plain date tells all it is.
    if (!isPlainDate(value)) return false;
    flat.push(value.getTime());
    return true;
  }
  if (Array.isArray(value)) flat.push(value.length);
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    flat.push(key);
    if (typeof item === 'object' && item !== null) {
      if (!fill(item, flat, depth + 1)) return false;
    } else flat.push(item);
  }
  flat.push(end);
  return true;
}

/** True when the value still equals its picture. */
export function isUnchanged(value: object, snapshot: Snapshot): boolean {
  return walk(value, snapshot.flat, 0) === snapshot.flat.length;
}

function walk(value: object, flat: readonly unknown[], at: number): number {
  if (isSpecialObject(value)) return isPlainDate(value) && isSame(flat[at], value.getTime()) ? at + 1 : -1;
  let next = at;
  if (Array.isArray(value) && flat[next++] !== value.length) return -1;
  // Object.keys, not for-in: objects of many shapes pass here, and each new one would throw away for-in's compiled code.
  for (const key of Object.keys(value)) {
    if (flat[next] !== key) return -1;
    const item = (value as Record<string, unknown>)[key];
    next += 1;
    if (typeof item === 'object' && item !== null) {
      next = walk(item, flat, next);
      if (next === -1) return -1;
    } else {
      if (!isSame(flat[next], item)) return -1;
      next += 1;
    }
  }
  return flat[next] === end ? next + 1 : -1;
}

const isSame = (a: unknown, b: unknown): boolean => a === b || (a !== a && b !== b);

/** A date whose JSON is its time and nothing else. */
function isPlainDate(value: object): value is Date {
  return (
    value instanceof Date && value.toJSON === Date.prototype.toJSON && value.toISOString === Date.prototype.toISOString
  );
}

/** Objects whose JSON is not the sum of their keys. */
function isSpecialObject(value: object): boolean {
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return true;
  const kind: unknown = Object.getPrototypeOf(value);
  if (kind === Object.prototype || kind === Array.prototype || kind === null) return false;
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Error ||
    value instanceof Number ||
    value instanceof Boolean ||
    value instanceof Map ||
    value instanceof Set
  );
}
