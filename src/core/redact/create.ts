import { redactBody } from './body.ts';
import { settle } from './edit.ts';
import { createHeaderJudge, redactHeaders } from './headers.ts';
import { createKeyJudge } from './keys.ts';
import { createMarks, toWithheld } from './placeholder.ts';
import { hasAnchor } from './detect/anchor.ts';
import type { Redacted, Redactor } from './redactor.ts';
import type { Scanner } from './scanner.ts';
import { createScanner } from './scanner.ts';
import { textEdits } from './detect/text.ts';
import { wholeUrlEdits } from './detect/url.ts';
import { jsonEdits } from './json/edits.ts';

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
const failed = { [failure]: 1 };

/** A redactor under a project's key (I4). It never throws: what fails inside is withheld and counted. */
export function createRedactor(options: RedactorOptions): Redactor {
  const { key, deniedHeaders = [], allowedHeaders = [], deniedKeys = [], allowedKeys = [] } = options;
  const judge = createKeyJudge(deniedKeys, allowedKeys);
  const isDeniedHeader = createHeaderJudge(deniedHeaders, allowedHeaders);

  function guard(text: string, redact: (scanner: Scanner) => string): Redacted<string> {
    try {
      const marks = createMarks(key);
      const value = redact(createScanner(judge, marks));
      return { value, counts: marks.counts() };
    } catch {
      return { value: toWithheld(failure, text), counts: failed };
    }
  }

  return {
    text: (text) => (hasAnchor(text) ? guard(text, (scanner) => scanner.text(text)) : { value: text, counts: null }),
    json(text) {
      try {
        const marks = createMarks(key);
        const value = settle(text, (current) => jsonEdits(current, { judge, marks, isCut: false, nesting: 0 }));
        return { value, counts: marks.counts() };
      } catch {
        return { value: JSON.stringify(toWithheld(failure, text)), counts: failed };
      }
    },
    headers(headers) {
      try {
        const marks = createMarks(key);
        const text = createScanner(judge, marks).text;
        return { value: redactHeaders(headers, { isDenied: isDeniedHeader, marks, text }), counts: marks.counts() };
      } catch {
        return { value: { '[WITHHELD]': failure }, counts: failed };
      }
    },
    url(url) {
      try {
        const marks = createMarks(key);
        const bare = settle(url, (current) => wholeUrlEdits(current, marks));
        return { value: settle(bare, (current) => textEdits(current, marks)), counts: marks.counts() };
      } catch {
        return { value: toWithheld(failure, url), counts: failed };
      }
    },
    body: (text, contentType, bodyOptions) =>
      guard(text, (scanner) => redactBody(text, contentType, { scanner, isCut: bodyOptions?.truncated === true })),
  };
}
