import { isBase64File } from './stand-in.ts';

/**
 * A flat picture of a JSON value: every key and every primitive, in walking order. Comparing a value with its picture
 * costs one comparison per key, and equal strings are usually the same pointer, so a 200 kB conversation is confirmed
 * unchanged in microseconds. An object mutated in place no longer matches.
 */
export interface Snapshot {
  readonly flat: readonly unknown[];
  /** The value holds something JSON.stringify would refuse or bloat: bigint, long base64. */
  readonly special: boolean;
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
  const state = { special: false };
  return fill(value, flat, state, 0) ? { flat, special: state.special } : null;
}

function fill(value: object, flat: unknown[], state: { special: boolean }, depth: number): boolean {
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
      if (!fill(item, flat, state, depth + 1)) return false;
    } else {
      if (typeof item === 'bigint' || (typeof item === 'string' && isBase64File(item))) state.special = true;
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
  if (isSpecialObject(value)) return isPlainDate(value) && isSame(flat[at], value.getTime()) ? at + 1 : -1;
  let next = at;
  if (Array.isArray(value) && flat[next++] !== value.length) return -1;
  for (const key in value) {
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
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof Error ||
    value instanceof Map ||
    value instanceof Set ||
    typeof (value as { toJSON?: unknown }).toJSON === 'function'
  );
}
