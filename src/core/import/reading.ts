import type { RecordedEvent } from '../record/event.ts';

/** An object read from a record, of which nothing is taken for granted. */
export type Fields = Readonly<Record<string, unknown>>;

const payloadByEvent = new WeakMap<RecordedEvent, Fields>();
const nothing: Fields = {};

function parseObject(text: string): Fields {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Fields) : nothing;
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

/** The facts of an event as the shape its type promises; `null` when it has none. */
export function factsOf<T>(event: RecordedEvent): T | null {
  return event.header.facts === null ? null : (parseObject(event.header.facts) as T);
}

/** A text field, or `null`. */
export function textField(fields: Fields, key: string): string | null {
  const value = fields[key];
  return typeof value === 'string' ? value : null;
}

/** A number field, or `null`. */
export function numberField(fields: Fields, key: string): number | null {
  const value = fields[key];
  return typeof value === 'number' ? value : null;
}

/** An object field, or `null`. */
export function objectField<T>(fields: Fields, key: string): T | null {
  const value = fields[key];
  return typeof value === 'object' && value !== null ? (value as T) : null;
}
