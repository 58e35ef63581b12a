import { textToTokens, type Token } from './words.ts';

/** A parsed full-text question: every phrase must occur; a single word is a phrase of one. */
export interface TextQuery {
  readonly phrases: readonly (readonly string[])[];
}

const phrasesMax = 32;

/**
 * Reads words and "phrases in double quotes"; an unclosed quote runs to the end. No other character has a meaning,
 * so no text is an error; one without any word has no phrases and finds nothing.
 */
export function parseTextQuery(text: string): TextQuery {
  const phrases: string[][] = [];
  for (const [index, part] of text.slice(0, 10_000).split('"').entries()) {
    const chunks = index % 2 === 1 ? [part] : part.split(/\s+/u);
    for (const chunk of chunks) {
      const words = textToTokens(chunk).map((token) => token.word);
      if (words.length > 0) phrases.push(words);
    }
  }
  return { phrases: phrases.slice(0, phrasesMax) };
}

/** True for a text filter that asks for something: one of white space only is no filter. */
export function isTextGiven(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}

/** The query in the language of SQLite's FTS5: quoted phrases, all of which must match. Never more than that. */
export function queryToFts5(query: TextQuery): string {
  return query.phrases.map((words) => `"${words.join(' ')}"`).join(' ');
}

function phraseAt(tokens: readonly Token[], index: number, phrase: readonly string[]): boolean {
  return phrase.every((word, offset) => tokens[index + offset]?.word === word);
}

/** Ranges of the tokens, as [first, last], where any phrase matches; empty unless every phrase does. */
function findMatches(tokens: readonly Token[], query: TextQuery): [number, number][] {
  const found: [number, number][] = [];
  for (const phrase of query.phrases) {
    const before = found.length;
    for (let index = 0; index + phrase.length <= tokens.length; index += 1) {
      if (phraseAt(tokens, index, phrase)) found.push([index, index + phrase.length - 1]);
    }
    if (found.length === before) return [];
  }
  return found.sort((a, b) => a[0] - b[0]);
}

/** How often the phrases occur in a text, or 0 unless every one does. */
export function countMatches(text: string, query: TextQuery): number {
  return findMatches(textToTokens(text), query).length;
}

/** Stand before and after a matched word in a snippet: private-use characters that no escaping touches. */
export const snippetMarks = { open: '\uE000', close: '\uE001' } as const;

const snippetTokens = 24;
const pieceCharsMax = 60;

/** Keeps one endless word or gap from making an endless snippet. */
function shorten(piece: string): string {
  return piece.length <= pieceCharsMax ? piece : `${piece.slice(0, pieceCharsMax).toWellFormed()}…`;
}

/**
 * Some words around the first match, matches between U+E000 and U+E001, `…` where text was left out. Marks that the
 * text itself holds are dropped. Without a match it is the beginning of the text.
 */
export function textToSnippet(text: string, query: TextQuery): string {
  const clean = text.replace(/[\uE000\uE001]/g, '');
  const tokens = textToTokens(clean);
  const matches = findMatches(tokens, query);
  const first = Math.max(0, (matches[0]?.[0] ?? 0) - 6);
  const last = Math.min(tokens.length, first + snippetTokens) - 1;
  if (last < 0) return '';
  const isMarked = new Set<number>();
  for (const [from, to] of matches) for (let index = from; index <= to; index += 1) isMarked.add(index);
  const pieces: string[] = [];
  let at = first === 0 ? 0 : tokens[first]!.start;
  for (let index = first; index <= last; index += 1) {
    const { start, end } = tokens[index]!;
    const word = shorten(clean.slice(start, end));
    pieces.push(
      shorten(clean.slice(at, start)),
      isMarked.has(index) ? `${snippetMarks.open}${word}${snippetMarks.close}` : word,
    );
    at = end;
  }
  const tail = last === tokens.length - 1 ? clean.slice(at, at + 40) : '…';
  return `${first === 0 ? '' : '…'}${pieces.join('')}${tail}`.replace(/\s+/gu, ' ').trim();
}
