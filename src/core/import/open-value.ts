import type { Fields } from './reading.ts';
import { objectField } from './reading.ts';

/** Nesting past this is cut from views: the payload keeps it whole, and JSON.stringify fails at some 5,000 levels. */
const depthMax = 256;
const tooDeep = '[nested deeper than 256 levels]';

/** A name that would change what an object is instead of naming a field of it. */
export const forbiddenName = '__proto__';

function isSound(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isSound(item, depth - 1));
  for (const name of Object.keys(value))
    if (name === forbiddenName || !isSound((value as Fields)[name], depth - 1)) return false;
  return true;
}

function toSound(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return tooDeep;
  if (Array.isArray(value)) return value.map((item) => toSound(item, depth - 1));
  const fields = Object.entries(value).filter(([name]) => name !== forbiddenName);
  return Object.fromEntries(fields.map(([name, item]) => [name, toSound(item, depth - 1)]));
}

/**
 * A value of any shape as a view may hold it: what JSON writes down and reads back as the same. Numbers beyond it become
 * `null`, what lies deeper than 256 levels a note, and a `__proto__` key goes.
 */
export function toOpenValue(value: unknown): unknown {
  return isSound(value, depthMax) ? value : toSound(value, depthMax);
}

/** An object field of any shape, as a view may hold it; `null` when it is none. */
export function openField(fields: Fields, key: string): Fields | null {
  return toOpenValue(objectField(fields, key)) as Fields | null;
}
