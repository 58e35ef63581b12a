import { TachographError } from '../error.ts';
import { isUuid } from '../id.ts';

/*
 * What a caller hands over, read once, field by field, into what a record can hold. Nothing that comes out of here
 * throws when it is read again, and nothing invalid gets into facts: a header is hashed for ever and never erased.
 */

/** Turns what stands in a field into what may be recorded there; `undefined` when it is nothing of the kind. */
export type Reader = (value: unknown) => unknown;

/** Which fields are read of an object, and how. */
export type Shape = readonly (readonly [key: string, read: Reader])[];

const readersByShape = new Map<Shape, ReadonlyMap<string, Reader>>();

/** The readers of a shape by key. */
function readersOf(shape: Shape): ReadonlyMap<string, Reader> {
  let readers = readersByShape.get(shape);
  if (readers === undefined) readersByShape.set(shape, (readers = new Map(shape)));
  return readers;
}

/**
 * The keys that are worth asking for: those that a plain object has, a third of those it may have. Anything else may
 * answer to keys that it does not tell of, and is asked for all of them.
 */
function keysOf(given: object, readers: ReadonlyMap<string, Reader>): Iterable<string> {
  try {
    return Object.getPrototypeOf(given) === Object.prototype ? Object.keys(given) : readers.keys();
  } catch {
    // A proxy that throws at being looked at, not yet at being asked.
    return readers.keys();
  }
}

type Report = (error: unknown) => void;

/** What a caller is told of a field that could not be taken as it was given. */
export const refused = (what: string): TachographError =>
  new TachographError(
    'bad-argument',
    `${what} is not of the kind it must be and was left out; see the type's comments.`,
  );

/**
 * The fields of an object by their readers. What is absent, of the wrong kind or unreadable is absent in the answer
 * and told to `report` by its name only, since the value may hold words that must not reach a log line (I4).
 */
export function readFields<T>(given: unknown, shape: Shape, report: Report): Partial<T> {
  const fields: Record<string, unknown> = {};
  if (typeof given !== 'object' || given === null) {
    if (given !== undefined) report(refused('An argument'));
    return fields as Partial<T>;
  }
  const readers = readersOf(shape);
  for (const key of keysOf(given, readers)) {
    const read = readers.get(key);
    if (read === undefined) continue;
    try {
      const value = (given as Record<string, unknown>)[key];
      if (value === undefined) continue;
      const taken = read(value);
      if (taken !== undefined) fields[key] = taken;
      else if (value !== null) report(refused(key));
    } catch {
      // A getter or a proxy of the caller's that throws: that field is lost, the others are not.
      report(refused(key));
    }
  }
  return fields as Partial<T>;
}

/** Anything at all: what it holds is dealt with where it is encoded. */
export const anything: Reader = (value) => value;

/** Text without lone surrogates, which no store keeps as they are. A number is taken for its digits. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed();
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

/** Text, or an explicit `null`. */
export const textOrNull: Reader = (value) => (value === null ? null : text(value));

/** A boolean. */
export const flag: Reader = (value) => (typeof value === 'boolean' ? value : undefined);

/** A wish that something be withheld: whatever is no clear "no" is taken for it (I4). */
export const wish: Reader = (value) => value !== false && value !== null;

/** A UUIDv7 of ours. */
export const uuid: Reader = (value) => (typeof value === 'string' && isUuid(value) ? value : undefined);

/** A UUIDv7 of ours, or an explicit `null`. */
export const uuidOrNull: Reader = (value) => (value === null ? null : uuid(value));

/** A number that every store gives back as it was: finite, not negative, at most 2^53 − 1; or an explicit `null`. */
export function count(value: unknown): number | null | undefined {
  if (value === null) return null;
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** One word of a closed list. */
export function word(list: readonly string[]): Reader {
  return (value) => (list.includes(value as string) ? value : undefined);
}

/** An object or array, to be encoded later. */
export const object: Reader = (value) => (typeof value === 'object' && value !== null ? value : undefined);

/** A list as it is; anything else is a list of itself. */
export const list: Reader = (value) => (Array.isArray(value) ? value : value === null ? undefined : [value]);

/** Text by name, as of labels and headers. The object itself when it holds nothing else. */
export const textByName: Reader = (value) => {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const keys = Object.keys(fields);
  if (keys.every((key) => typeof fields[key] === 'string')) return fields;
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const key of keys) {
    const item = fields[key];
    const taken = Array.isArray(item) ? item.map(text).join(', ') : text(item);
    if (taken !== undefined) texts[key] = taken;
  }
  return texts;
};

/** An object read by a shape of its own; nothing in it is reported, for the whole of it is rarely worth a word. */
export function nested(shape: Shape): Reader {
  return (value) => (typeof value === 'object' && value !== null ? readFields(value, shape, ignore) : undefined);
}

const ignore = (): void => undefined;
