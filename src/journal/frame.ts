import { crc32 } from 'node:zlib';
import type { ProcessIdentity } from '../core/journal.ts';
import { TachographError } from '../core/error.ts';

// A journal file, all numbers little-endian:
//
//   magic 8 │ major u16 │ minor u16 │ length u32 │ crc u32 │ header, JSON        once
//   marker 4 │ length u32 │ crc u32 │ kind u8 │ body                             per frame
//
// The crc covers version and header, and length, kind and body. A frame is written by one write, so a torn tail
// loses a whole entry or none. The marker begins with a byte that UTF-8 never uses: no recorded text can imitate it,
// and a reader finds the next frame behind a damaged region by searching for it.

/** Version of the file format. A reader takes any minor of its major and refuses a newer major. */
export const formatVersion = { major: 1, minor: 0 } as const;

/** First bytes of every journal file. */
export const magic = Buffer.from('TGRAPHJ\n', 'latin1');

/** First bytes of every frame. */
export const frameMarker = Buffer.from([0xf5, 0x54, 0x47, 0x4a]);

/** Bytes of a frame before its body. */
export const frameHeadBytes = 13;

/** A body longer than this is never written, and a length above it is read as damage. */
export const bodyBytesMax = 256 * 1024 * 1024;

/** Kinds of frames. A reader steps over kinds it does not know. */
export const frameKinds = { entry: 1 } as const;

/** Fixed bytes of a file before its header text. */
export const prefixBytes = 20;

const headerBytesMax = 64 * 1024;

/** What the first bytes of a journal file say about it. */
export interface JournalHeader {
  readonly major: number;
  readonly minor: number;
  readonly projectId: string;
  readonly identity: ProcessIdentity;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  /** Where the first frame begins. */
  readonly bytes: number;
}

/** The first bytes of a new journal file. */
export function encodeHeader(header: Pick<JournalHeader, 'projectId' | 'identity' | 'createdAtMs'>): Buffer {
  const { projectId, identity, createdAtMs } = header;
  const text = Buffer.from(JSON.stringify({ projectId, identity, createdAtMs }));
  const bytes = Buffer.alloc(prefixBytes + text.length);
  magic.copy(bytes, 0);
  bytes.writeUInt16LE(formatVersion.major, 8);
  bytes.writeUInt16LE(formatVersion.minor, 10);
  bytes.writeUInt32LE(text.length, 12);
  text.copy(bytes, prefixBytes);
  bytes.writeUInt32LE(headerCrc(bytes, text.length), 16);
  return bytes;
}

function headerCrc(bytes: Buffer, length: number): number {
  return crc32(bytes.subarray(prefixBytes, prefixBytes + length), crc32(bytes.subarray(0, 16)));
}

/**
 * Reads the header from the first bytes of `file`. `null` when they are a beginning that is not whole yet.
 * Throws `journal-newer` for a later major and `journal-broken` for anything that no journal begins with.
 */
export function parseHeader(bytes: Buffer, file: string): JournalHeader | null {
  const known = Math.min(bytes.length, magic.length);
  if (!bytes.subarray(0, known).equals(magic.subarray(0, known)))
    throw broken(file, 0, 'it does not begin as a journal does');
  if (bytes.length < 12) return null;
  const major = bytes.readUInt16LE(8);
  if (major > formatVersion.major) {
    throw new TachographError(
      'journal-newer',
      `The journal ${file} has format version ${major}; this version reads up to ${formatVersion.major}. Update tachograph to read it.`,
    );
  }
  if (bytes.length < prefixBytes) return null;
  const length = bytes.readUInt32LE(12);
  if (length > headerBytesMax) throw broken(file, 12, `its header claims ${length} bytes`);
  if (bytes.length < prefixBytes + length) return null;
  if (headerCrc(bytes, length) !== bytes.readUInt32LE(16))
    throw broken(file, 16, 'the checksum of its header is wrong');
  const fields = parseFields(bytes.toString('utf8', prefixBytes, prefixBytes + length));
  const identity = toIdentity(fields?.['identity']);
  const projectId = fields?.['projectId'];
  if (typeof projectId !== 'string' || identity === null)
    throw broken(file, prefixBytes, 'its header names no project or process');
  const createdAtMs = Number(fields!['createdAtMs']);
  return { major, minor: bytes.readUInt16LE(10), projectId, identity, createdAtMs, bytes: prefixBytes + length };
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

function parseFields(text: string): Fields | null {
  try {
    const value = JSON.parse(text) as unknown;
    return isFields(value) ? value : null;
  } catch {
    // A checksum can be right over anything.
    return null;
  }
}

/** A process as a header names it; `null` when a part is missing that tells whether it lives. */
function toIdentity(value: unknown): ProcessIdentity | null {
  if (!isFields(value)) return null;
  const { writerId, bootId, host, pid, processStart } = value;
  if (typeof writerId !== 'string' || typeof bootId !== 'string' || typeof host !== 'string') return null;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 0) return null;
  return { writerId, bootId, host, pid, processStart: typeof processStart === 'string' ? processStart : null };
}

/** How many first bytes of a file hold its header, as far as `bytes` tells. */
export function headerBytesOf(bytes: Buffer): number {
  return bytes.length < prefixBytes ? prefixBytes : prefixBytes + Math.min(bytes.readUInt32LE(12), headerBytesMax);
}

function broken(file: string, offset: number, what: string): TachographError {
  return new TachographError(
    'journal-broken',
    `The journal ${file} cannot be read at byte ${offset}: ${what}. Move it out of the journal folder or restore it.`,
  );
}

/** Fills in the head of a frame whose body of `length` bytes already stands at `at + frameHeadBytes`. */
export function sealFrame(bytes: Buffer, at: number, length: number, kind: number): void {
  frameMarker.copy(bytes, at);
  bytes.writeUInt32LE(length, at + 4);
  bytes.writeUInt8(kind, at + 12);
  bytes.writeUInt32LE(frameCrc(bytes, at, length), at + 8);
}

/** The checksum that a frame at `at` with `length` bytes of body ought to have. */
export function frameCrc(bytes: Buffer, at: number, length: number): number {
  const start = at + frameHeadBytes - 1;
  // The length seeds the sum, so that a frame cut or grown at a lucky place is still found out.
  return crc32(bytes.subarray(start, start + 1 + length), length);
}
