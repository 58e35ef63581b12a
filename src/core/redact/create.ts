import { redactBody } from './body.ts';
import { hasAnchor, hasJsonAnchor } from './detect/anchor.ts';
import { textEdits } from './detect/text.ts';
import { wholeUrlEdits } from './detect/url.ts';
import type { Tally } from './edit.ts';
import { createTally, settle } from './edit.ts';
import { TachographError } from '../error.ts';
import { createHeaderJudge, redactHeaders } from './headers.ts';
import { createKeyJudge } from './keys.ts';
import { createMark, toWithheld } from './placeholder.ts';
import type { Redacted, Redactor } from './redactor.ts';
import type { Scanner } from './scanner.ts';
import { createScanner, mayBeJson } from './scanner.ts';

/** How a redactor is made. Names are compared without case; those of keys also without `-`, `_` and `.`. */
export interface RedactorOptions {
  /** The project's key, 32 bytes: placeholders are digests under it. */
  readonly key: Uint8Array;
  /** Headers that lose their values besides the built-in ones. */
  readonly deniedHeaders?: readonly string[];
  /** Headers that keep their values although a built-in rule denies them; they are still scanned. */
  readonly allowedHeaders?: readonly string[];
  /** JSON keys and form fields that lose their values besides the built-in ones. */
  readonly deniedKeys?: readonly string[];
  /** JSON keys and form fields that keep their values although a built-in rule denies them; they are still scanned. */
  readonly allowedKeys?: readonly string[];
}

const failure = 'redaction-failed';

function mustBeText(value: unknown): void {
  if (typeof value !== 'string')
    throw new TachographError('bad-argument', `Only text can be redacted, not ${typeof value}.`);
}

/** A redactor under a project's key (I4). It never throws: what fails inside is withheld and counted. */
export function createRedactor(options: RedactorOptions): Redactor {
  const { key, deniedHeaders = [], allowedHeaders = [], deniedKeys = [], allowedKeys = [] } = options;
  const mark = createMark(key);
  const judge = createKeyJudge(deniedKeys, allowedKeys);
  const isDeniedHeader = createHeaderJudge(deniedHeaders, allowedHeaders);

  function guard<T>(redact: (scanner: Scanner, tally: Tally) => T, withhold: () => T): Redacted<T> {
    try {
      const tally = createTally();
      const value = redact(createScanner({ judge, mark, tally }), tally);
      return { value, counts: tally.counts() };
    } catch {
      return { value: withhold(), counts: { [failure]: 1 } };
    }
  }

  function guardText(text: string, redact: (scanner: Scanner, tally: Tally) => string): Redacted<string> {
    const guarded = (scanner: Scanner, tally: Tally): string => {
      mustBeText(text);
      return redact(scanner, tally);
    };
    return guard(guarded, () => toWithheld(failure, text));
  }

  return {
    text(text) {
      if (typeof text === 'string' && !mayBeJson.test(text) && !hasAnchor(text)) return { value: text, counts: null };
      return guardText(text, (scanner) => scanner.loose(text));
    },
    json(text) {
      if (typeof text === 'string' && !hasJsonAnchor(text, judge.extraAnchor)) return { value: text, counts: null };
      const redacted = guardText(text, (scanner) => scanner.validJson(text));
      return redacted.value.startsWith('[WITHHELD:')
        ? { ...redacted, value: JSON.stringify(redacted.value) }
        : redacted;
    },
    headers: (headers) =>
      guard(
        (scanner) => redactHeaders(headers, { isDenied: isDeniedHeader, scanner }),
        () => Object.fromEntries(Object.keys(headers).map((name) => [name, toWithheld(failure, headers[name]!)])),
      ),
    url: (url) =>
      guardText(url, (_scanner, tally) => {
        const bare = settle(url, tally, (text) => wholeUrlEdits(text, mark));
        return settle(bare, tally, (text) => textEdits(text, mark));
      }),
    body: (text, contentType, bodyOptions) =>
      guardText(text, (scanner) => redactBody(text, contentType, { scanner, isCut: bodyOptions?.truncated === true })),
  };
}
