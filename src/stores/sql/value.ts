/** What a column of any SQL store holds; booleans are 0 and 1, JSON is text. */
export type SqlValue = null | number | string | Uint8Array;

/** A row as a driver gives it. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** 1 for true, 0 for false. */
export function flag(value: boolean): number {
  return value ? 1 : 0;
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An id as it is stored: a lower-case UUID as its 16 bytes, any other text as it is. */
export function idToCell(id: string): string | Uint8Array {
  return uuidPattern.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id;
}

/** The id that `idToCell` stored. */
export function cellToId(cell: SqlValue | undefined): string {
  if (!(cell instanceof Uint8Array)) return String(cell ?? '');
  const hex = bytesToHex(cell);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/*
 * A column may hold a value of any type once somebody has edited the file. Readers take each as its own type or as the
 * type's emptiest value, so that they never fail; verification finds that it is not what was recorded.
 */

const noBytes = new Uint8Array(0);

/** Bytes of a cell, none for a cell of another type. */
export function cellToBytes(cell: unknown): Uint8Array {
  return cell instanceof Uint8Array ? cell : noBytes;
}

/** Text of a cell, or `null`. */
export function cellToText(cell: unknown): string | null {
  return typeof cell === 'string' ? cell : null;
}

/** Number of a cell, or `null`. */
export function cellToNumber(cell: unknown): number | null {
  return typeof cell === 'number' ? cell : null;
}

/** Hex digits of a cell of bytes; none for a cell of another type. */
export function bytesToHex(cell: unknown): string {
  const bytes = cellToBytes(cell);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Bytes of hex digits; 64 digits are 32 bytes. */
export function hexToBytes(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

/** JSON of a stored text, or `{error, raw}` when it is malformed: a reader shows it and never crashes. */
export function parseStored(raw: string): { readonly [key: string]: unknown } {
  try {
    const value = JSON.parse(raw) as unknown;
    if (typeof value === 'object' && value !== null) return value as { [key: string]: unknown };
  } catch {
    return toMalformed(raw);
  }
  return toMalformed(raw);
}

/** How a malformed stored value is shown. */
export interface Malformed {
  readonly error: 'malformed stored value';
  readonly raw: string;
}

/** A malformed stored value as it is shown. */
export function toMalformed(raw: string): Malformed & { readonly [key: string]: unknown } {
  return { error: 'malformed stored value', raw };
}

/** True for what `parseStored` gave in place of a malformed value. */
export function isMalformed(value: object): value is Malformed {
  return (value as Partial<Malformed>).error === 'malformed stored value' && 'raw' in value;
}
