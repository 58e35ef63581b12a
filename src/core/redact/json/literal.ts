import type { Edit } from '../edit.ts';

/** Decodes what stands between the quotes of a JSON string. Throws on text that is none. */
export function decodeLiteral(raw: string): string {
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

/** Encodes text for the place between the quotes of a JSON string. */
export function encodeLiteral(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** A cut string without the escape that the cut went through. */
export function dropCutEscape(raw: string): string {
  const match = /\\(?:u[0-9a-fA-F]{0,3})?$/.exec(raw);
  if (match === null) return raw;
  let slashes = 0;
  while (raw[match.index - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 0 ? raw.slice(0, match.index) : raw;
}

/**
 * Carries edits of the decoded text over to the raw text between the quotes, so that every escape outside them stays
 * as it was written. `base` is the offset of the raw text in its document.
 */
export function liftEdits(raw: string, edits: readonly Edit[], base: number): Edit[] {
  if (!raw.includes('\\')) {
    return edits.map(({ start, end, replacement, kind }) => ({
      start: base + start,
      end: base + end,
      replacement: encodeLiteral(replacement),
      kind,
    }));
  }
  let decodedAt = 0;
  let rawAt = 0;
  const rawOffset = (target: number): number => {
    while (decodedAt < target) {
      rawAt += raw.charCodeAt(rawAt) !== 92 ? 1 : raw.charCodeAt(rawAt + 1) === 117 ? 6 : 2;
      decodedAt += 1;
    }
    return base + rawAt;
  };
  return edits.map((edit) => {
    const start = rawOffset(edit.start);
    return { start, end: rawOffset(edit.end), replacement: encodeLiteral(edit.replacement), kind: edit.kind };
  });
}
