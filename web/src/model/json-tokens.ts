/** A stretch of JSON text with what it is. */
export interface JsonToken {
  readonly kind: 'key' | 'string' | 'number' | 'word' | 'mark';
  readonly text: string;
}

const tokenPattern = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/g;

/** Colours for JSON text, cut or whole. The texts of all tokens, joined, are the input. */
export function toJsonTokens(text: string): readonly JsonToken[] {
  const tokens: JsonToken[] = [];
  let from = 0;
  for (const match of text.matchAll(tokenPattern)) {
    if (match.index > from) tokens.push({ kind: 'mark', text: text.slice(from, match.index) });
    const [whole, quoted, colon, number] = match;
    if (quoted !== undefined) {
      tokens.push({ kind: colon === undefined ? 'string' : 'key', text: quoted });
      if (colon !== undefined) tokens.push({ kind: 'mark', text: colon });
    } else {
      tokens.push({ kind: number === undefined ? 'word' : 'number', text: whole });
    }
    from = match.index + whole.length;
  }
  if (from < text.length) tokens.push({ kind: 'mark', text: text.slice(from) });
  return tokens;
}

/** JSON text laid out for reading; anything that is not JSON comes back as it is. */
export function toPrettyJson(text: string): string {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[') return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Cut or not JSON after all: the recorded text is the truth.
    return text;
  }
}
