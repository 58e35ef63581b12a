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

type Item = Exclude<SqlValue, null>;

const headBytes = 20;
const sizeByType: Partial<Record<ColumnType, number>> = { int8: 8, int4: 4, int2: 2, float8: 8 };

const numberWriters: Partial<Record<ColumnType, (into: Buffer, value: number, at: number) => void>> = {
  int8: (into, value, at) => void into.writeBigInt64BE(BigInt(value), at),
  int4: (into, value, at) => void into.writeInt32BE(value, at),
  int2: (into, value, at) => void into.writeInt16BE(value, at),
  float8: (into, value, at) => void into.writeDoubleBE(value, at),
};

/** An item that is not a number, as a text whose bytes are not made yet or as bytes. */
function itemToBody(type: ColumnType, item: Item): string | Uint8Array {
  if (type === 'text') return escapeText(String(item));
  if (type === 'uuid' && typeof item === 'string') return Buffer.from(item.replaceAll('-', ''), 'hex');
  return typeof item === 'number' ? String(item) : item;
}

function writeHead({ type, items }: Column, into: Buffer): void {
  into.writeInt32BE(items.length === 0 ? 0 : 1, 0);
  into.writeInt32BE(items.includes(null) ? 1 : 0, 4);
  into.writeInt32BE(oidByType[type], 8);
  if (items.length === 0) return;
  into.writeInt32BE(items.length, 12);
  into.writeInt32BE(1, 16);
}

function numbersToBytes(column: Column, itemBytes: number): Buffer {
  const { type, items } = column;
  const write = numberWriters[type]!;
  let size = headBytes;
  for (const item of items) size += item === null ? 4 : 4 + itemBytes;
  const into = Buffer.allocUnsafe(size);
  writeHead(column, into);
  let at = headBytes;
  for (const item of items) {
    into.writeInt32BE(item === null ? -1 : itemBytes, at);
    if (item !== null) write(into, item as number, at + 4);
    at += item === null ? 4 : 4 + itemBytes;
  }
  return into;
}

// Measured first and written into one piece: joining a buffer for each item took most of the time of a small call.
function bodiesToBytes(column: Column): Buffer {
  const { type, items } = column;
  const bodies = items.map((item) => (item === null ? null : itemToBody(type, item)));
  const sizes = bodies.map((body) =>
    body === null ? -1 : typeof body === 'string' ? Buffer.byteLength(body) : body.length,
  );
  const into = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + 4 + Math.max(0, size), headBytes));
  writeHead(column, into);
  let at = headBytes;
  for (const [index, body] of bodies.entries()) {
    at = into.writeInt32BE(sizes[index]!, at);
    if (body === null) continue;
    if (typeof body === 'string') into.write(body, at);
    else into.set(body, at);
    at += sizes[index]!;
  }
  return into;
}

function columnToBytes(column: Column): Buffer {
  if (column.items.length === 0) {
    const into = Buffer.alloc(headBytes);
    writeHead(column, into);
    return into.subarray(0, 12);
  }
  const itemBytes = sizeByType[column.type];
  return itemBytes === undefined ? bodiesToBytes(column) : numbersToBytes(column, itemBytes);
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
