import type { TextQuery } from '../../../core/query/text-query.ts';

/*
 * Words in PostgreSQL's forms for full text, tsvector and tsquery. They are split by our own rule and handed over ready: no
 * dictionary of the database has a say.
 */

const lexemeCharsMax = 250;
const positionsMax = 250;

const toLexeme = (word: string): string => `'${word.slice(0, lexemeCharsMax).replaceAll(/['\\]/g, '$&$&')}'`;

/** Words with their places. */
export function wordsToVector(words: readonly string[]): string {
  const placesByWord = new Map<string, string>();
  const countByWord = new Map<string, number>();
  for (const [index, word] of words.entries()) {
    const places = placesByWord.get(word);
    if (places === undefined) {
      placesByWord.set(word, String(index + 1));
      continue;
    }
    const count = (countByWord.get(word) ?? 1) + 1;
    // PostgreSQL keeps 256 places of a word.
    if (count > positionsMax) continue;
    countByWord.set(word, count);
    placesByWord.set(word, `${places},${index + 1}`);
  }
  return [...placesByWord].map(([word, places]) => `${toLexeme(word)}:${places}`).join(' ');
}

/** Words that stand side by side. */
export const phraseToQuery = (words: readonly string[]): string => `(${words.map(toLexeme).join(' <-> ')})`;

/** A question for all phrases, or any of them. No text of a user is ever more than a word of it. */
export function toTsQuery({ phrases }: TextQuery, joint: '&' | '|'): string {
  return phrases.map(phraseToQuery).join(` ${joint} `);
}
