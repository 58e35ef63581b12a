import type { Content, ContentKind } from '../content/content.ts';
import { contentToText } from '../content/text.ts';
import type { RunView } from '../model/run.ts';
import type { RecordedError, StepView } from '../model/step.ts';

/**
 * Version of the rules that turn contents into indexed words. An index without its own copy of the words must be
 * told them again, letter for letter, to forget them: raise this number whenever any of them change, and stores
 * build their index anew.
 */
export const wordsVersion = 1;

const wordsCharsMax = 1_000_000;

/** The words of a content that full text finds, at most the first million characters; empty for kinds without. */
export function contentToWords(content: Pick<Content, 'kind' | 'bytes'>): string {
  return toIndexed(contentToText(content.kind as ContentKind, content.bytes).slice(0, wordsCharsMax));
}

/** The words of a recorded error. */
export function errorToWords(error: RecordedError | null): string {
  if (error === null) return '';
  const causes = error.causes.flatMap((cause) => [cause.name, cause.message]);
  return toIndexed([error.name, error.message, error.code ?? '', ...causes].join(' ').trim());
}

/** The words of a step's error, or of a run's. */
export function stepToErrorWords(step: Pick<StepView, 'error'>): string {
  return errorToWords(step.error);
}

/** The words of the error a run ended with. */
export function runToErrorWords(run: Pick<RunView, 'errorCode' | 'errorDetail'>): string {
  return toIndexed([run.errorCode ?? '', run.errorDetail ?? ''].join(' ').trim());
}

// Scripts written without spaces: each character is a word of its own, and a word of a query is a phrase of them.
const beyondSpacedScripts = /[^\u0000-\u2e7f]/;
const ideographs = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]/gu;

/** Puts spaces around the characters of scripts that have none, so that every index finds them. */
export function toIndexed(text: string): string {
  return beyondSpacedScripts.test(text) ? text.replace(ideographs, ' $& ') : text;
}

/** One word of a text and where it stands, in UTF-16 units. */
export interface Token {
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

const tokenPattern =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}]|(?:(?![\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}])[\p{L}\p{N}\p{M}\p{Co}])+/gu;

/** The words of a text: letters and digits, lower case, without diacritics. */
export function textToTokens(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(tokenPattern)) {
    const word = match[0].normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    if (word !== '') tokens.push({ word, start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}
