import { isUuid } from '../id.ts';
import type { RecordedEvent } from '../record/event.ts';

/*
 * What a journal says is taken at its word only as far as the model's types go. A value of another type, a number that
 * no store holds, an id that is none, a word from outside a closed list: each becomes the type's own "not known", the
 * same at import and at rebuild (I11). So every journal whose frames are whole can be imported.
 */

/** An object read from a record, of which nothing is taken for granted. */
export type Fields = Readonly<Record<string, unknown>>;

const payloadByEvent = new WeakMap<RecordedEvent, Fields>();
const factsByEvent = new WeakMap<RecordedEvent, Fields>();
const nothing: Fields = {};

/** True for an object that is no list. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Fields {
  try {
    const value = JSON.parse(text) as unknown;
    return isFields(value) ? value : nothing;
  } catch {
    // A malformed value is shown as it is by the reader; views are computed without it.
    return nothing;
  }
}

/** The payload of an event, parsed once; empty when erased or malformed. */
export function payloadOf(event: RecordedEvent): Fields {
  if (event.payload === null) return nothing;
  let payload = payloadByEvent.get(event);
  if (payload === undefined) {
    payload = parseObject(event.payload);
    payloadByEvent.set(event, payload);
  }
  return payload;
}

/** The facts of an event, parsed once, of which nothing is taken for granted; `null` when it has none. */
export function factFieldsOf(event: RecordedEvent): Fields | null {
  if (event.header.facts === null) return null;
  let facts = factsByEvent.get(event);
  if (facts === undefined) {
    facts = parseObject(event.header.facts);
    factsByEvent.set(event, facts);
  }
  return facts;
}

/** A text field, or `null`. Half a character (a lone surrogate), which no database keeps, becomes U+FFFD. */
export function textField(fields: Fields, key: string): string | null {
  const value = fields[key];
  return typeof value === 'string' ? value.toWellFormed() : null;
}

const digestPattern = /^[0-9a-f]{64}$/;

/** The id of a content or node, 64 hex digits, or `null`. */
export function digestField(fields: Fields, key: string): string | null {
  const value = fields[key];
  return typeof value === 'string' && digestPattern.test(value) ? value : null;
}

/** The id of a run or step, or `null`. */
export function uuidField(fields: Fields, key: string): string | null {
  const value = fields[key];
  return typeof value === 'string' && isUuid(value) ? value : null;
}

/** The most that one event may count of anything, tokens included; what claims more was not counted. */
export const countMax = 1e12;
/** The longest duration, in milliseconds: some 300 years. */
export const durationMaxMs = 1e13;
/** The highest cost of one call, in nano-USD: a million dollars. */
export const costMaxNanoUsd = 1e15;

/** A number from 0 to `max`, or `null`: beyond that lies nothing that adds up exactly. */
export function numberField(fields: Fields, key: string, max: number = countMax): number | null {
  const value = fields[key];
  // Adding zero takes the sign from -0, which JSON does not keep.
  return typeof value === 'number' && value >= 0 && value <= max ? value + 0 : null;
}

/** A field whose value is in a closed list, or `null`. */
export function listedField<T extends string>(fields: Fields, key: string, list: readonly T[]): T | null {
  const value = fields[key];
  return list.find((item) => item === value) ?? null;
}

/** An object field that is no list, or `null`. */
export function objectField(fields: Fields, key: string): Fields | null {
  const value = fields[key];
  return isFields(value) ? value : null;
}
