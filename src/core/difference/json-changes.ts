/** A place in a JSON value where two values differ. `null` on a side that has nothing there. */
export interface JsonChange {
  /** As `content[0].text`; empty for the value itself. */
  readonly path: string;
  /** Text as it is, everything else as JSON. */
  readonly before: string | null;
  readonly after: string | null;
}

/** Differing places told of at most; the rest is only that there is more. */
export const changesMax = 50;
const depthMax = 64;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function toText(value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? null);
}

const plainKey = /^[A-Za-z_$][\w$-]*$/;

function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!plainKey.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

function collect(before: unknown, after: unknown, at: { path: string; depth: number }, into: JsonChange[]): void {
  if (into.length >= changesMax || Object.is(before, after)) return;
  const { path, depth } = at;
  const inside = (key: string | number): { path: string; depth: number } => ({
    path: joinPath(path, key),
    depth: depth + 1,
  });
  if (depth < depthMax && Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    for (let index = 0; index < length; index += 1) collect(before[index], after[index], inside(index), into);
  } else if (depth < depthMax && isFields(before) && isFields(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      collect(before[key], after[key], inside(key), into);
  } else if (depth < depthMax || JSON.stringify(before) !== JSON.stringify(after)) {
    into.push({ path, before: toText(before), after: toText(after) });
  }
}

/** Where two JSON values differ, in reading order, at most `changesMax`; empty when they are equal. Key order is nothing. */
export function jsonChanges(before: unknown, after: unknown): JsonChange[] {
  const changes: JsonChange[] = [];
  collect(before, after, { path: '', depth: 0 }, changes);
  return changes;
}

/** The two texts of a change around their first difference, each at most `charsMax` characters, `…` where cut. */
export function cutAround(before: string, after: string, charsMax: number): { before: string; after: string } {
  let same = 0;
  while (same < before.length && same < after.length && before[same] === after[same]) same += 1;
  const from = Math.max(0, same - Math.floor(charsMax / 3));
  const cut = (text: string): string => {
    const start = from > 0 && from < text.length ? from : text.length > charsMax && from > 0 ? from : 0;
    const part = text.slice(start, start + charsMax);
    return `${start > 0 ? '…' : ''}${part}${start + charsMax < text.length ? '…' : ''}`;
  };
  return { before: cut(before), after: cut(after) };
}
