import { toStandIn } from './stand-in.ts';

const depthMax = 256;
const unreadable = '[unreadable]';

/**
 * A copy of anything that JSON.stringify cannot refuse: cycles, bigints, throwing getters and proxies, detached bytes and
 * bottomless depth are replaced by words that say so. Only for values whose plain encoding has thrown.
 */
export function toTolerantCopy(value: unknown): unknown {
  return copy(value, [], 0);
}

function copy(value: unknown, path: object[], depth: number): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return toStandIn(value) ?? value;
  if (path.includes(value)) return '[cycle]';
  if (depth > depthMax) return '[too deep]';
  path.push(value);
  try {
    return copyObject(value, path, depth);
  } catch {
    // A proxy whose traps throw, or bytes whose buffer is gone.
    return unreadable;
  } finally {
    path.pop();
  }
}

function copyObject(value: object, path: object[], depth: number): unknown {
  const standIn = toStandIn(value);
  const source = (standIn ?? value) as object;
  // A user's toJSON is exactly what threw or may throw: the fields behind it are taken as they are.
  if (source instanceof Date) return Number.isNaN(source.getTime()) ? null : source.toISOString();
  if (Array.isArray(source)) return Array.from(source, (_item, index) => copyField(source, String(index), path, depth));
  const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(source)) result[key] = copyField(source, key, path, depth);
  return result;
}

function copyField(value: object, key: string, path: object[], depth: number): unknown {
  let field: unknown;
  try {
    field = (value as Record<string, unknown>)[key];
  } catch {
    return unreadable;
  }
  return key === 'toJSON' && typeof field === 'function' ? undefined : copy(field, path, depth + 1);
}
