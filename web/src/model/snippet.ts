/** A stretch of a search hit; `isMatch` marks the words that were looked for. */
export interface SnippetPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** Splits a snippet at its marks U+E000 and U+E001. A mark without its partner marks up to the end. */
export function parseSnippet(snippet: string): readonly SnippetPart[] {
  const parts: SnippetPart[] = [];
  let isMatch = false;
  for (const text of snippet.split(/([\uE000\uE001])/)) {
    if (text === '\uE000') isMatch = true;
    else if (text === '\uE001') isMatch = false;
    else if (text !== '') parts.push({ text, isMatch });
  }
  return parts;
}
