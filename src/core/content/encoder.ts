import { sha256Hex } from '../digest.ts';
import { ExactJson } from '../record/recording.ts';
import { isBase64Start } from './snapshot.ts';
import { toTolerantCopy } from './tolerant.ts';

/** What stands in the record for the bytes of a file: enough to recognise it, not to rebuild it. */
export interface FileDigest {
  readonly type: 'tachograph-file';
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
  readonly bytes: number;
}

function digestOf(bytes: Uint8Array): FileDigest {
  return { type: 'tachograph-file', digest: sha256Hex(bytes), bytes: bytes.byteLength };
}

function textDigest(text: string): FileDigest {
  const comma = text.startsWith('data:') ? text.indexOf(',') + 1 : 0;
  return digestOf(Buffer.from(text.slice(comma), 'base64'));
}

/** Stands in for what JSON cannot say or should not carry. Runs on the values before their own toJSON. */
function replacer(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (typeof original === 'bigint') return original.toString();
  if (typeof original === 'string')
    return original.length > 2048 && isBase64Start(original) ? textDigest(original) : original;
  if (typeof original !== 'object' || original === null) return value;
  if (ArrayBuffer.isView(original)) {
    return digestOf(new Uint8Array(original.buffer, original.byteOffset, original.byteLength));
  }
  if (original instanceof ArrayBuffer) return digestOf(new Uint8Array(original));
  if (original instanceof Error) return { name: original.name, message: original.message };
  if (original instanceof Map) return Object.fromEntries(original);
  if (original instanceof Set) return [...original];
  return value;
}

/**
 * The JSON text of a value. Bytes and long base64 strings are recorded as digest and size; bigint as text. `special`
 * false promises there is none of those and saves the slow path. What JSON refuses (a cycle, a throwing getter) is
 * replaced by words where it stands, so that the rest is kept.
 */
export function encodeJson(value: unknown, special: boolean): string {
  if (value instanceof ExactJson) return value.text;
  let text: string | undefined;
  try {
    text = special ? JSON.stringify(value, replacer) : JSON.stringify(value);
  } catch {
    // The plain form was refused; the tolerant copy cannot be.
    text = JSON.stringify(toTolerantCopy(value), replacer);
  }
  return text ?? 'null';
}
