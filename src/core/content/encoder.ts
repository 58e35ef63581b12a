import { ExactJson } from '../record/recording.ts';
import { toStandIn } from './stand-in.ts';
import { toTolerantCopy } from './tolerant.ts';

/** Stands in for what JSON cannot say or should not carry. Runs on the values before their own toJSON. */
function replacer(this: unknown, key: string, value: unknown): unknown {
  return toStandIn((this as Record<string, unknown>)[key]) ?? value;
}

/**
 * The JSON text of a value. Bytes and long base64 strings are recorded as digest and size; bigint as text. `special`
 * false promises there is none of those and saves the slow path. What JSON refuses (a cycle, a throwing getter) is
 * replaced by words where it stands, so that the rest is kept.
 */
export function encodeJson(value: unknown, special: boolean): string {
  let text: string | undefined;
  try {
    if (value instanceof ExactJson) return value.text;
    text = special ? JSON.stringify(value, replacer) : JSON.stringify(value);
  } catch {
    // The plain form was refused; the tolerant copy cannot be.
    text = JSON.stringify(toTolerantCopy(value));
  }
  return text ?? 'null';
}
