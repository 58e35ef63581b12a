import { TachographError } from '../error.ts';
import type { Extra } from './detect/text.ts';
import type { PersonalKind } from './personal/personal.ts';
import { createPersonalDetector, personalKinds } from './personal/personal.ts';
import type { Detector } from './rules/detector.ts';
import { createDetector } from './rules/detector.ts';

/**
 * What a user can say about redaction, in code or in a file. Names are compared without case; those of keys also
 * without `-`, `_` and `.`. Nothing here switches the built-in credential detectors off.
 */
export interface RedactOptions {
  /** Headers that lose their values besides the built-in ones. */
  readonly deniedHeaders?: readonly string[];
  /** Headers that keep their values although a built-in rule denies them; they are still scanned. */
  readonly allowedHeaders?: readonly string[];
  /** JSON keys, form fields and XML elements that lose their values besides the built-in ones. */
  readonly deniedKeys?: readonly string[];
  /** JSON keys and form fields that keep their values although a built-in rule denies them; they are still scanned. */
  readonly allowedKeys?: readonly string[];
  /**
   * Places in JSON that lose their values whatever they hold: `user.birthday`, `items.*.note`, `**.ssn`. They count from
   * the root of each document: a body, a message, an event's payload. `*` is any one key or index, `**` any number.
   */
  readonly deniedPaths?: readonly string[];
  /** Places in JSON that no rule of names, no personal-data rule and no own detector touches; credentials still go. */
  readonly allowedPaths?: readonly string[];
  /** Detectors of one's own. */
  readonly detectors?: readonly Detector[];
  /** Personal data: all kinds, or those named. Off by default. */
  readonly personal?: boolean | readonly PersonalKind[];
  /** Identifiers (caller, session, channel, end user) are recorded as keyed digests. Off by default. */
  readonly pseudonymise?: boolean;
}

const lists = ['deniedHeaders', 'allowedHeaders', 'deniedKeys', 'allowedKeys', 'deniedPaths', 'allowedPaths'] as const;

function bad(what: string): never {
  throw new TachographError('bad-argument', `The redaction options are not right: ${what}.`);
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');

/** Options as a file states them: patterns as text, `/…/flags` or bare. Throws `bad-argument` for what is none. */
export function parseRedactOptions(value: unknown): RedactOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) bad('they must be an object');
  const given = value as Record<string, unknown>;
  const known = new Set<string>([...lists, 'detectors', 'personal', 'pseudonymise']);
  for (const name of Object.keys(given)) if (!known.has(name)) bad(`"${name}" is unknown`);
  for (const name of lists)
    if (given[name] !== undefined && !isTexts(given[name])) bad(`"${name}" must be a list of texts`);
  const { personal, pseudonymise, detectors } = given;
  if (personal !== undefined && typeof personal !== 'boolean' && !isTexts(personal))
    bad('"personal" must be true, false or a list of kinds');
  if (pseudonymise !== undefined && typeof pseudonymise !== 'boolean') bad('"pseudonymise" must be true or false');
  if (detectors !== undefined && !Array.isArray(detectors)) bad('"detectors" must be a list');
  const parsed = (detectors as unknown[] | undefined)?.map(parseDetector);
  return { ...(given as RedactOptions), ...(parsed === undefined ? {} : { detectors: parsed }) };
}

function parseDetector(value: unknown): Detector {
  const { kind, pattern } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof kind !== 'string' || typeof pattern !== 'string') bad('a detector is {"kind": "…", "pattern": "…"}');
  const [, source, flags] = /^\/(.*)\/([a-z]*)$/s.exec(pattern) ?? [];
  if (source === undefined) return { kind, pattern };
  try {
    return { kind, pattern: new RegExp(source, flags) };
  } catch (error) {
    return bad(`the pattern of "${kind}" is none: ${(error as Error).message}`);
  }
}

/** What is looked for besides credentials, or `null` when nothing is. Throws `bad-argument` for options that are not right. */
export function optionsToExtra({ detectors = [], personal = false }: RedactOptions): Extra | null {
  const custom = detectors.map(createDetector);
  const kinds = personal === true ? personalKinds : personal === false ? [] : personal;
  const people = kinds.length === 0 ? null : createPersonalDetector(kinds);
  if (custom.length === 0 && people === null) return null;
  return {
    isIn: (raw) =>
      (people?.isIn(raw) ?? false) ||
      (custom.length > 0 && (raw.includes('\\') || custom.some((one) => one.isIn(raw)))),
    find(text, findings, isIdentifier) {
      for (const one of custom) one.find(text, findings);
      if (!isIdentifier) people?.find(text, findings);
    },
  };
}
