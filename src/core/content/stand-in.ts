import { sha256Hex } from '../digest.ts';

/** What stands in the record for the bytes of a file: enough to recognise it, not to rebuild it. */
export interface FileDigest {
  readonly type: 'tachograph-file';
  /** SHA-256 of the bytes, hex. */
  readonly digest: string;
  readonly bytes: number;
}

/** Shorter text is kept as it is, whatever it looks like. */
const bulkCharsMin = 2048;

const dataUrl = /^data:[\w.+/-]+(?:;[\w.+/=-]+)*;base64,/;
const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * True for a long string that is a file in base64 from its first character to its last: a data URL, or groups of four in
 * capitals, small letters and digits as bytes make them. Anything else is text and must be kept.
 */
export function isBase64File(text: string): boolean {
  if (text.length <= bulkCharsMin) return false;
  const head = text.slice(0, bulkCharsMin);
  const lead = dataUrl.exec(head)?.[0] ?? '';
  // Most text has white space early: it is told apart without being looked at whole.
  if (!base64.test(head.slice(lead.length))) return false;
  if (lead === '' && !(text.length % 4 === 0 && /[a-z]/.test(head) && /[A-Z]/.test(head) && /\d/.test(head)))
    return false;
  return base64.test(lead === '' ? text : text.slice(lead.length));
}

function digestOf(bytes: Uint8Array): FileDigest {
  return { type: 'tachograph-file', digest: sha256Hex(bytes), bytes: bytes.byteLength };
}

function textDigest(text: string): FileDigest {
  const comma = text.startsWith('data:') ? text.indexOf(',') + 1 : 0;
  return digestOf(Buffer.from(text.slice(comma), 'base64'));
}

/** What stands for a value that JSON cannot say or should not carry; `undefined` for every other value. May throw. */
export function toStandIn(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return isBase64File(value) ? textDigest(value) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (ArrayBuffer.isView(value)) return digestOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (value instanceof ArrayBuffer) return digestOf(new Uint8Array(value));
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return undefined;
}
