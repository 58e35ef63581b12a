import type { SqlValue } from '../../sql/value.ts';

/*
 * Values on their way to PostgreSQL and back. Lists go in PostgreSQL's own binary form, which needs no quoting and half the
 * bytes of bytea as text. PostgreSQL's text has no NUL, which recorded names may have: it is written as U+FFFF and 0, and
 * U+FFFF itself as U+FFFF and 1, so that every text comes back as it was.
 */

/** A list of one type, for `unnest` and `= ANY`. */
export interface Column {
  readonly type: ColumnType;
  readonly items: readonly SqlValue[];
}

/** A value of a statement. */
export type Cell = SqlValue | Column;

const oidByType = { int8: 20, int4: 23, int2: 21, text: 25, bytea: 17, float8: 701, uuid: 2950 } as const;

/** Types that lists are made of. */
export type ColumnType = keyof typeof oidByType;

/** A list of values of one type. */
export const column = (type: ColumnType, items: readonly SqlValue[]): Column => ({ type, items });

const unusual = /[\0\uffff]/;

function escapeText(text: string): string {
  if (!unusual.test(text)) return text;
  return text.replace(/[\0\uffff]/g, (char) => (char === '\0' ? '\uffff0' : '\uffff1'));
}

function unescapeText(text: string): string {
  if (!text.includes('\uffff')) return text;
  return text.replace(/\uffff([01])/g, (_all, digit: string) => (digit === '0' ? '\0' : '\uffff'));
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function itemToBytes(type: ColumnType, item: Exclude<SqlValue, null>): Buffer {
  if (type === 'text') return Buffer.from(escapeText(String(item)));
  if (type === 'uuid' && typeof item === 'string') return Buffer.from(item.replaceAll('-', ''), 'hex');
  if (typeof item !== 'number') return typeof item === 'string' ? Buffer.from(item) : asBuffer(item);
  const bytes = Buffer.allocUnsafe(type === 'int2' ? 2 : type === 'int4' ? 4 : 8);
  if (type === 'float8') bytes.writeDoubleBE(item);
  else if (type === 'int8') bytes.writeBigInt64BE(BigInt(item));
  else if (type === 'int4') bytes.writeInt32BE(item);
  else bytes.writeInt16BE(item);
  return bytes;
}

function columnToBytes({ type, items }: Column): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32BE(items.length === 0 ? 0 : 1, 0);
  head.writeInt32BE(items.includes(null) ? 1 : 0, 4);
  head.writeInt32BE(oidByType[type], 8);
  head.writeInt32BE(items.length, 12);
  head.writeInt32BE(1, 16);
  const parts: Buffer[] = [items.length === 0 ? head.subarray(0, 12) : head];
  for (const item of items) {
    const bytes = item === null ? null : itemToBytes(type, item);
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(bytes === null ? -1 : bytes.length);
    parts.push(size);
    if (bytes !== null) parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/** A value as the driver sends it: bytes in binary form, all else as text. */
export function toParameter(cell: Cell): string | Buffer | null {
  if (cell === null) return null;
  if (typeof cell === 'string') return escapeText(cell);
  if (typeof cell === 'number') return String(cell);
  return cell instanceof Uint8Array ? asBuffer(cell) : columnToBytes(cell);
}

const numbers: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);
const bytea = 17;
const bool = 16;

const toNumber = (text: string): SqlValue => Number(text);
const toBytes = (text: string): SqlValue => Buffer.from(text.slice(2), 'hex');
const toFlag = (text: string): SqlValue => (text === 't' ? 1 : 0);

/** How values of a type are read from the text that the server sent; true and false are 1 and 0. */
export function cellParserOf(oid: number): (text: string) => SqlValue {
  if (numbers.has(oid)) return toNumber;
  if (oid === bytea) return toBytes;
  return oid === bool ? toFlag : unescapeText;
}
