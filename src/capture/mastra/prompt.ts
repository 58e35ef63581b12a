import { toFields } from './vendor.ts';

/** Mastra marks messages with times and the like for its own use; a provider is not told. */
function withoutMarks(options: unknown): unknown {
  const { mastra: _mastra, ...rest } = toFields(options) ?? {};
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function toComparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toComparable);
  const fields = toFields(value);
  if (fields === null) return value;
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(fields).toSorted()) {
    const inner = key === 'providerOptions' ? withoutMarks(fields[key]) : fields[key];
    if (inner !== undefined) result[key] = toComparable(inner);
  }
  return result;
}

/** True when two lists of messages say the same: the order of keys and Mastra's own marks do not count. */
export function isSamePrompt(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && JSON.stringify(toComparable(a)) === JSON.stringify(toComparable(b));
}

/** The conversation after an answer and the results of the tools that it called. */
export function extendPrompt(
  messages: readonly unknown[],
  parts: readonly object[],
  results: readonly object[],
): readonly unknown[] {
  const said = parts.length === 0 ? [] : [{ role: 'assistant', content: parts }];
  return [...messages, ...said, ...(results.length === 0 ? [] : [{ role: 'tool', content: results }])];
}
