const depthMax = 256;

/**
 * A copy of anything that JSON.stringify cannot refuse: cycles, bigints, throwing getters and bottomless depth are
 * replaced by words that say so. Only for values whose plain encoding has thrown.
 */
export function toTolerantCopy(value: unknown): unknown {
  return copy(value, [], 0);
}

function copy(value: unknown, path: object[], depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (path.includes(value)) return '[cycle]';
  if (depth > depthMax) return '[too deep]';
  path.push(value);
  try {
    if (Array.isArray(value)) return value.map((item) => copy(item, path, depth + 1));
    const result: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const key of Object.keys(value)) result[key] = copyField(value, key, path, depth);
    return result;
  } finally {
    path.pop();
  }
}

function copyField(value: object, key: string, path: object[], depth: number): unknown {
  let field: unknown;
  try {
    field = (value as Record<string, unknown>)[key];
  } catch {
    return '[unreadable]';
  }
  // A user's toJSON is exactly what threw or may throw: the fields behind it are taken as they are.
  return field instanceof Date ? dateText(field) : copy(field, path, depth + 1);
}

function dateText(date: Date): string | null {
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
