/** An object or array that is open at some place of a JSON text. */
interface Open {
  readonly isObject: boolean;
  /** The raw key, between its quotes, whose value is being read; `null` in an array. */
  readonly key: string | null;
}

/** What is open at a place of a JSON text, outermost first. */
export interface Enclosure {
  readonly at: number;
  readonly open: readonly Open[];
}

/** The beginning of a text: nothing is open. */
export const outermost: Enclosure = { at: 0, open: [] };

/** Nesting past this is not followed. */
const depthMax = 64;

/** Offset of the quote that closes the string opened at `quote`; -1 when none does. */
function closingQuote(text: string, quote: number): number {
  let close = text.indexOf('"', quote + 1);
  while (close >= 0) {
    let slashes = 0;
    while (text.charCodeAt(close - 1 - slashes) === 92) slashes += 1;
    if (slashes % 2 === 0) return close;
    close = text.indexOf('"', close + 1);
  }
  return -1;
}

const colon = /[ \t\n\r]*:/y;

function isKey(text: string, close: number): boolean {
  colon.lastIndex = close + 1;
  return colon.test(text);
}

/**
 * What is open at `until`, walked from where an earlier walk over the same beginning stood. `null` when that place lies
 * inside a string, or the brackets do not match: the text is then no JSON, or not cut where values meet.
 */
export function nextEnclosure(text: string, from: Enclosure, until: number): Enclosure | null {
  const open = [...from.open];
  const mark = /["[\]{}]/g;
  mark.lastIndex = from.at;
  for (let match = mark.exec(text); match !== null && match.index < until; match = mark.exec(text)) {
    const character = match[0];
    if (character === '"') {
      const close = closingQuote(text, match.index);
      if (close < 0 || close >= until) return null;
      const top = open.at(-1);
      if (top?.isObject && isKey(text, close))
        open[open.length - 1] = { isObject: true, key: text.slice(match.index + 1, close) };
      mark.lastIndex = close + 1;
    } else if (character === '{' || character === '[') {
      if (open.length >= depthMax) return null;
      open.push({ isObject: character === '{', key: null });
    } else if (open.pop()?.isObject !== (character === '}')) return null;
  }
  return { at: until, open };
}

/** The shortest JSON text in which the same things are open, its innermost array holding one element. */
export function enclosureToText(enclosure: Enclosure): string {
  return `${enclosure.open.map(({ isObject, key }) => (isObject ? `{"${key ?? ''}":` : '[')).join('')}{}`;
}

/** A complete JSON text in which each key that is open holds an array that is no schema: denied keys lose it. */
export function enclosureToProbe(enclosure: Enclosure): string {
  const keys = enclosure.open.flatMap(({ key }) => (key === null ? [] : [key]));
  return `[${keys.map((key) => `{"${key}":["_"]}`).join(',')}]`;
}
