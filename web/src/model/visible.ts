/**
 * Recorded text is hostile. What a reader can't see (bidi controls, zero-width and tag characters, terminal escapes,
 * lone surrogates) is taken out of the text and named, so that it can be shown as a mark beside what it hides.
 */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hidden'; readonly label: string; readonly title: string };

const nameByCode: ReadonlyMap<number, string> = new Map([
  [0x00, 'NUL'],
  [0x07, 'BEL'],
  [0x08, 'BS'],
  [0x0d, 'CR'],
  [0x1b, 'ESC'],
  [0x7f, 'DEL'],
  [0xad, 'soft hyphen'],
  [0x200b, 'zero width space'],
  [0x200c, 'zero width non-joiner'],
  [0x200d, 'zero width joiner'],
  [0x200e, 'left-to-right mark'],
  [0x200f, 'right-to-left mark'],
  [0x202a, 'left-to-right embedding'],
  [0x202b, 'right-to-left embedding'],
  [0x202c, 'pop directional formatting'],
  [0x202d, 'left-to-right override'],
  [0x202e, 'right-to-left override'],
  [0x2060, 'word joiner'],
  [0x2066, 'left-to-right isolate'],
  [0x2067, 'right-to-left isolate'],
  [0x2068, 'first strong isolate'],
  [0x2069, 'pop directional isolate'],
  [0xfeff, 'zero width no-break space'],
]);

// Tab and line feed are laid out as they are; CR before LF is an ordinary line end. A joiner or a variation selector
// right after a pictograph belongs to it.
const hiddenPattern =
  /(?<=\p{Extended_Pictographic}[\uFE0F\u{1F3FB}-\u{1F3FF}]?)\u200D(?=\p{Extended_Pictographic})|(?<=[\p{Extended_Pictographic}\d#*])\uFE0F|\r(?=\n)|([\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\u{E0000}-\u{E0FFF}\uD800-\uDFFF])/gu;

/** `U+202E` for a code point. */
export function toCodeName(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

function toHidden(code: number, count: number): Piece {
  const name = nameByCode.get(code);
  const short = name !== undefined && name.length <= 3 ? name : toCodeName(code);
  return {
    kind: 'hidden',
    label: count === 1 ? `⟨${short}⟩` : `⟨${short} ×${count}⟩`,
    title: `${name ?? 'invisible character'}, ${toCodeName(code)}${count === 1 ? '' : `, ${count} times`}`,
  };
}

/** Splits a text into what can be seen and named marks for what can't. Repeats of one character make one mark. Loses nothing but a CR before LF. */
export function toPieces(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let pending: { code: number; count: number; end: number } | null = null;
  const flush = (): void => {
    if (pending !== null) pieces.push(toHidden(pending.code, pending.count));
    pending = null;
  };
  for (const match of text.matchAll(hiddenPattern)) {
    const hidden = match[1];
    if (hidden === undefined) continue;
    const code = hidden.codePointAt(0)!;
    const held = pending as { code: number; count: number; end: number } | null;
    if (held !== null && held.code === code && held.end === match.index) {
      held.count += 1;
      held.end += hidden.length;
    } else {
      flush();
      if (match.index > from) pieces.push({ kind: 'text', text: text.slice(from, match.index) });
      pending = { code, count: 1, end: match.index + hidden.length };
    }
    from = match.index + hidden.length;
  }
  flush();
  if (from < text.length) pieces.push({ kind: 'text', text: text.slice(from) });
  return pieces;
}

/** The same as one string, for places that hold only text: titles, tooltips, accessible names. */
export function toVisibleText(text: string): string {
  return toPieces(text)
    .map((piece) => (piece.kind === 'text' ? piece.text : piece.label))
    .join('');
}

/** Cuts at `charsMax` without splitting a surrogate pair. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const last = text.charCodeAt(charsMax - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? charsMax - 1 : charsMax);
}
