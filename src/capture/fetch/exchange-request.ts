import { bytesToText } from '../../core/content/body.ts';
import type { BodyInput } from '../../core/record/recording.ts';

/** A request as it was seen before it left. */
export interface ExchangeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** `null` for a request without a body. */
  readonly body: BodyInput | null;
  /** The whole body as text, for reading what was asked; `null` when it was not captured. */
  readonly text: string | null;
  /** The record learned of it after it had left (I3). */
  readonly isObservedAfter: boolean;
  /** What the client holds through all tries of one call, where it shows it. */
  readonly call?: object;
  /** The client that sends it, where it is known. */
  readonly client?: ClientName;
}

/** What is known of a request by the client that sends it. */
export interface ClientName {
  /** How its calls got into the record, on runs that they begin. */
  readonly capture: string;
  /** Whose API it speaks, for hosts that do not say. */
  readonly provider: string;
  /** Agent of the runs that its calls begin. */
  readonly agentId: string | null;
}

/** Bodies past this are not held in memory; the record says how large they were. */
const capturedBytesMax = 32 * 1024 * 1024;

function bytesOf(body: unknown): Uint8Array | null {
  if (body instanceof ArrayBuffer || (typeof SharedArrayBuffer !== 'undefined' && body instanceof SharedArrayBuffer))
    return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return null;
}

/** Why a body that cannot be replayed is not captured, in one word. */
function reasonOf(body: unknown): string {
  if (body instanceof FormData) return 'form-data';
  if (body instanceof Blob) return 'blob';
  return 'stream';
}

/** What is captured of a request body. Only what can be read again is: what is sent never changes. */
export function toBodyInput(
  body: unknown,
  contentType: string | null,
): { input: BodyInput | null; text: string | null } {
  if (body === null || body === undefined) return { input: null, text: null };
  if (body instanceof URLSearchParams) {
    const text = body.toString();
    return { input: { data: text, contentType: contentType ?? 'application/x-www-form-urlencoded' }, text };
  }
  if (typeof body === 'string') {
    if (body.length > capturedBytesMax)
      return { input: { data: null, contentType, bytes: Buffer.byteLength(body), withheld: 'too-large' }, text: null };
    return { input: { data: body, contentType }, text: body };
  }
  const bytes = bytesOf(body);
  if (bytes === null) {
    const size = body instanceof Blob ? body.size : null;
    return { input: { data: null, contentType, bytes: size, withheld: reasonOf(body) }, text: null };
  }
  if (bytes.byteLength > capturedBytesMax)
    return { input: { data: null, contentType, bytes: bytes.byteLength, withheld: 'too-large' }, text: null };
  const isText = contentType === null || /json|text|form-urlencoded/i.test(contentType);
  const text = isText ? bytesToText(bytes, contentType ?? '') : null;
  return text !== null
    ? { input: { data: text, contentType, bytes: bytes.byteLength }, text }
    : { input: { data: bytes, contentType }, text: null };
}

/** Header values by lower-case name. Reads only forms that reading does not use up. */
export function toHeaderMap(headers: unknown): Record<string, string> {
  const isReadable =
    headers instanceof Headers ||
    Array.isArray(headers) ||
    (typeof headers === 'object' && headers !== null && !(Symbol.iterator in headers));
  if (!isReadable) {
    const isForeign =
      typeof (headers as { forEach?: unknown } | null)?.forEach === 'function' &&
      typeof (headers as { get?: unknown }).get === 'function';
    if (!isForeign) return {};
    const values: Record<string, string> = {};
    (headers as globalThis.Headers).forEach((value, name) => void (values[name.toLowerCase()] = value));
    return values;
  }
  return Object.fromEntries(new Headers(headers as HeadersInit));
}

/** Header values as node:http holds them: several of one name in a list. */
export function valuesToHeaderMap(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const values = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    values.map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}

/** Flat header lists, `[name, value, …]` as text or bytes, as the runtime's HTTP client hands them over. */
export function flatToHeaderMap(flat: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  if (typeof flat === 'string') {
    for (const line of flat.split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    return headers;
  }
  if (!Array.isArray(flat)) return headers;
  const list = flat as unknown[];
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = String(list[index]).toLowerCase();
    const value = String(list[index + 1]);
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}
