import type { SchemaViolation } from './violation.ts';
import { wholeViolation } from './violation.ts';

/** Deepest answer: objects and arrays inside each other. */
export const depthMax = 256;

/** An answer read as JSON, or why it was not. */
export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly violation: SchemaViolation };

const refuse = (keyword: string, message: string): Parsed => ({
  ok: false,
  violation: wholeViolation(keyword, message),
});

/** The engine's words, unless they quote the answer: half a secret must not get into the record by them (I4). */
function syntaxWords(error: unknown): string {
  const words = error instanceof Error ? error.message : '';
  return words === '' || words.includes('"') ? 'must be JSON' : `must be JSON: ${words}`;
}

/** Checked on the parsed value, without recursion: the engine's parser is bounded by the text, ours by the depth. */
function checkValue(root: unknown): Parsed {
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    if (typeof value === 'number' && !Number.isFinite(value))
      return refuse('number', 'must not hold numbers beyond 1.7e308');
    if (typeof value !== 'object' || value === null) continue;
    if (depth === depthMax) return refuse('depth', `must not be nested deeper than ${depthMax} levels`);
    if (Object.hasOwn(value, '__proto__')) return refuse('name', 'must not have a property named __proto__');
    for (const inner of Object.values(value) as unknown[]) waiting.push({ value: inner, depth: depth + 1 });
  }
  return { ok: true, value: root };
}

/** Reads JSON text of a size that has been checked. Refuses what is too deep, overflows a number or names `__proto__`. */
export function parseAnswer(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse('json', syntaxWords(error));
  }
  return checkValue(value);
}

/** True when the text is JSON, whatever it holds. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not JSON: that is the answer.
    return false;
  }
}
