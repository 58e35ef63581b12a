import { isJson } from './parsing.ts';

/** What stood around the JSON of an answer: one code fence around all of it, or text. */
export type Wrapping = 'fence' | 'text';

/** The JSON in an answer and what stood around it; `json` is `null` when there is none, or more than one. */
export interface Unwrapped {
  readonly json: string | null;
  readonly wrapping: Wrapping | null;
  /** How many JSON values were found in text. Counting stops at two. */
  readonly found: number;
}

const fence = '```';

/** Places in a text at which an object or array is looked for. Each costs one pass over what is left of the text. */
const startsMax = 16;

function fencedIn(text: string): string | null {
  if (!text.startsWith(fence) || !text.endsWith(fence)) return null;
  const firstLine = text.indexOf('\n');
  if (firstLine === -1 || firstLine > text.length - fence.length) return null;
  const inner = text.slice(firstLine + 1, -fence.length).trim();
  return isJson(inner) ? inner : null;
}

/** Index behind the bracket that closes the one at `start`, brackets within strings not counted; -1 without one. */
function endOfBrackets(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      at += 1;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    } else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/** The objects and arrays that stand in a text, at most two of them. */
function valuesIn(text: string): string[] {
  const found: string[] = [];
  const bracket = /[{[]/g;
  for (let start = 0; start < startsMax && found.length < 2; start += 1) {
    const at = bracket.exec(text)?.index;
    if (at === undefined) break;
    const end = endOfBrackets(text, at);
    if (end === -1 || !isJson(text.slice(at, end))) continue;
    found.push(text.slice(at, end));
    bracket.lastIndex = end;
  }
  return found;
}

/** Finds the JSON of an answer. Never chooses between two values: an example and the answer look the same. */
export function unwrapJson(text: string): Unwrapped {
  const trimmed = text.trim();
  if (isJson(trimmed)) return { json: trimmed, wrapping: null, found: 1 };
  const fenced = fencedIn(trimmed);
  if (fenced !== null) return { json: fenced, wrapping: 'fence', found: 1 };
  const found = valuesIn(trimmed);
  return { json: found.length === 1 ? found[0]! : null, wrapping: 'text', found: found.length };
}
