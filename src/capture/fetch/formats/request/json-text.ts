/**
 * Finds the exact text of the pieces of a JSON document without parsing them, so that messages are recorded with
 * the key order and number text the model saw, and a long conversation costs one walk over its text.
 */

/** Where a value stands in a text: from `start` up to, not including, `end`. */
export interface Slice {
  readonly start: number;
  readonly end: number;
}

const quote = 34;
const comma = 44;
const colon = 58;
const openBracket = 91;
const backslash = 92;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;

function skipSpace(text: string, at: number): number {
  let next = at;
  for (;;) {
    const code = text.charCodeAt(next);
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return next;
    next += 1;
  }
}

/** End of the string that opens at `at`, or -1 when it never closes. */
function stringEnd(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

/** End of the value that begins at `at`, or -1 when it is cut. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return stringEnd(text, at);
  if (first !== openBrace && first !== openBracket) {
    let end = at;
    while (end < text.length && !',]}'.includes(text[end]!) && text.charCodeAt(end) > 32) end += 1;
    return end === at ? -1 : end;
  }
  let depth = 0;
  for (let end = at; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === quote) {
      end = stringEnd(text, end) - 1;
      if (end < 0) return -1;
    } else if (code === openBrace || code === openBracket) {
      depth += 1;
    } else if (code === closeBrace || code === closeBracket) {
      depth -= 1;
      if (depth === 0) return end + 1;
    }
  }
  return -1;
}

/** The values of the object at `start`, by key; `null` when there is no whole object there. The last of equal keys wins. */
export function memberSlices(text: string, start = 0): Map<string, Slice> | null {
  let at = skipSpace(text, start);
  if (text.charCodeAt(at) !== openBrace) return null;
  const slices = new Map<string, Slice>();
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === closeBrace) return slices;
  for (;;) {
    if (text.charCodeAt(at) !== quote) return null;
    const keyEnd = stringEnd(text, at);
    if (keyEnd === -1) return null;
    const key = text.slice(at + 1, keyEnd - 1);
    at = skipSpace(text, keyEnd);
    if (text.charCodeAt(at) !== colon) return null;
    at = skipSpace(text, at + 1);
    const end = valueEnd(text, at);
    if (end === -1) return null;
    slices.set(key, { start: at, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === closeBrace) return slices;
    if (text.charCodeAt(at) !== comma) return null;
    at = skipSpace(text, at + 1);
  }
}

/** The elements of the array at `start`; `null` when there is no whole array there. */
export function elementSlices(text: string, start = 0): readonly Slice[] | null {
  let at = skipSpace(text, start);
  if (text.charCodeAt(at) !== openBracket) return null;
  const slices: Slice[] = [];
  at = skipSpace(text, at + 1);
  if (text.charCodeAt(at) === closeBracket) return slices;
  for (;;) {
    const end = valueEnd(text, at);
    if (end === -1) return null;
    slices.push({ start: at, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) === closeBracket) return slices;
    if (text.charCodeAt(at) !== comma) return null;
    at = skipSpace(text, at + 1);
  }
}

/** The object at `start` without the members named, and those members' values as text. `null` when it has none of them. */
export function withoutMember(text: string, slice: Slice, name: string): { text: string; value: string } | null {
  const member = memberSlices(text, slice.start)?.get(name);
  if (member === undefined) return null;
  let from = text.lastIndexOf(`"${name}"`, member.start);
  let to = skipSpace(text, member.end);
  if (text.charCodeAt(to) === comma) {
    to = skipSpace(text, to + 1);
  } else {
    // The last member takes the comma before it along.
    const before = text.slice(slice.start, from).trimEnd();
    if (before.endsWith(',')) from = slice.start + before.length - 1;
    to = member.end;
  }
  return {
    text: text.slice(slice.start, from) + text.slice(to, slice.end),
    value: text.slice(member.start, member.end),
  };
}
