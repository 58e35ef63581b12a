import { redactBody } from './body.ts';
import { textFindings } from './detect/text.ts';
import { createTally } from './edit.ts';
import { TachographError } from '../error.ts';
import { createHeaderJudge, redactHeaders, withholdHeaders } from './headers.ts';
import { createKeyJudge } from './keys.ts';
import { createMark, toWithheld } from './placeholder.ts';
import { createHoldback } from './holdback.ts';
import { createPathRules } from './json/paths.ts';
import type { RedactOptions } from './options.ts';
import { optionsToExtra } from './options.ts';
import { createPseudonymise } from './pseudonym.ts';
import type { FullRedactor, Redacted } from './redactor.ts';
import type { Scanner, ScannerParts } from './scanner.ts';
import { createScanner, isCleanJson, isCleanText, mayBeJson } from './scanner.ts';

/** How a redactor is made: the options of a user, and the project's key. */
export interface RedactorOptions extends RedactOptions {
  /** The project's key, 32 bytes: placeholders and pseudonyms are digests under it. */
  readonly key: Uint8Array;
}

const failure = 'redaction-failed';

function mustBeText(value: unknown): void {
  if (typeof value !== 'string')
    throw new TachographError('bad-argument', `Only text can be redacted, not ${typeof value}.`);
}

/**
 * A redactor under a project's key (I4). Throws `bad-argument` for options that are not right; afterwards it never
 * throws: what fails inside is withheld and counted.
 */
export function createRedactor(options: RedactorOptions): FullRedactor {
  const { key, deniedHeaders = [], allowedHeaders = [], deniedKeys = [], allowedKeys = [] } = options;
  const parts: ScannerParts = {
    mark: createMark(key),
    judge: createKeyJudge(deniedKeys, allowedKeys),
    extra: optionsToExtra(options),
    paths: createPathRules(options.deniedPaths ?? [], options.allowedPaths ?? []),
  };
  const { extra } = parts;
  const isDeniedHeader = createHeaderJudge(deniedHeaders, allowedHeaders);
  const pseudonymise = options.pseudonymise === true ? createPseudonymise(key) : null;

  function guard<T>(redact: (scanner: Scanner) => T, withhold: () => T): Redacted<T> {
    try {
      const tally = createTally();
      const value = redact(createScanner(parts, tally));
      return { value, counts: tally.counts() };
    } catch {
      return { value: withhold(), counts: { [failure]: 1 } };
    }
  }

  function guardText(text: string, redact: (scanner: Scanner) => string): Redacted<string> {
    const guarded = (scanner: Scanner): string => {
      mustBeText(text);
      return redact(scanner);
    };
    return guard(guarded, () => toWithheld(failure, text));
  }

  const text = (value: string): Redacted<string> => {
    if (typeof value === 'string' && !mayBeJson.test(value) && isCleanText(value, extra))
      return { value, counts: null };
    return guardText(value, (scanner) => scanner.loose(value));
  };

  return {
    text,
    json(value) {
      if (typeof value === 'string' && isCleanJson(value, parts)) return { value, counts: null };
      const redacted = guardText(value, (scanner) => scanner.validJson(value));
      return redacted.value.startsWith('[WITHHELD:')
        ? { ...redacted, value: JSON.stringify(redacted.value) }
        : redacted;
    },
    headers: (headers) =>
      guard(
        (scanner) => redactHeaders(headers, { isDenied: isDeniedHeader, scanner }),
        () => withholdHeaders(headers, failure),
      ),
    url: (url) => guardText(url, (scanner) => scanner.url(url)),
    body: (value, contentType, bodyOptions) =>
      guardText(value, (scanner) =>
        redactBody(value, contentType, { scanner, isCut: bodyOptions?.truncated === true }),
      ),
    identifier: (name) =>
      guardText(name, (scanner) => (pseudonymise === null ? scanner.identifier(name) : pseudonymise(name))),
    holdback: () => createHoldback(text, (value) => textFindings(value, extra)),
    hasPaths: parts.paths !== null,
  };
}
