import type { Fields } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** As many of the newest messages tell one call from another. */
const messagesMax = 4;

function textsOf(message: unknown): readonly string[] {
  const content = toFields(message)?.['content'];
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return (content as (Fields | null)[]).flatMap((part) => {
    const output = toFields(part?.['output'])?.['value'];
    return toText(part?.['text']) ?? toText(output) ?? [];
  });
}

/**
 * Tells whether a request's text holds the words of these messages, in their order and whole. Every provider's format
 * carries them as JSON strings.
 */
export function createWordMatch(messages: readonly unknown[]): (requestText: string) => boolean {
  let words: readonly string[] | null = null;
  return (requestText) => {
    words ??= messages
      .slice(-messagesMax)
      .flatMap(textsOf)
      .map((text) => JSON.stringify(text));
    let from = 0;
    for (const word of words) {
      const at = requestText.indexOf(word, from);
      if (at === -1) return false;
      from = at + word.length;
    }
    return words.length > 0;
  };
}
