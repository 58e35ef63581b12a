import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { TachographError } from '../core/error.ts';
import { bodyBytesMax, frameCrc, frameHeadBytes, frameMarker } from './frame.ts';

/** A file read in pieces of bounded size, as if it lay in memory. */
export interface FileWindow {
  /** Size when it was opened. */
  readonly size: number;
  /** `length` bytes from `offset`, or `null` when the file ends before. Never changed later by the window. */
  at(offset: number, length: number): Buffer | null;
  /** First place of `word` from `offset` on, or -1. */
  find(word: Buffer, offset: number): number;
  close(): void;
}

// Not `journal-broken`: what is in the file is not known, and may be read at another time.
function unreadable(file: string, cause: unknown): TachographError {
  return new TachographError(
    'home-unusable',
    `The journal ${file} cannot be read: ${(cause as Error).message}. Give this user the right to read it.`,
    { cause },
  );
}

/** Opens a file for reading. Throws `home-unusable` when the system does not let it be opened or read. */
export function openWindow(file: string, chunkBytes: number): FileWindow {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const size = fstatSync(fd).size;
  let chunk: Buffer = Buffer.alloc(0);
  let chunkStart = 0;

  const readAt = (bytes: Buffer, from: number, position: number): number => {
    try {
      return readSync(fd, bytes, from, bytes.length - from, position);
    } catch (cause) {
      throw unreadable(file, cause);
    }
  };

  const read = (offset: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)));
    let done = 0;
    while (done < bytes.length) {
      const got = readAt(bytes, done, offset + done);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  };

  const at = (offset: number, length: number): Buffer | null => {
    if (offset + length > size) return null;
    if (offset < chunkStart || offset + length > chunkStart + chunk.length) {
      chunk = read(offset, Math.max(length, chunkBytes));
      chunkStart = offset;
    }
    if (chunk.length < length) return null;
    return chunk.subarray(offset - chunkStart, offset - chunkStart + length);
  };

  const find = (word: Buffer, offset: number): number => {
    for (let from = offset; from + word.length <= size;) {
      const piece = at(from, Math.min(chunkBytes, size - from));
      if (piece === null) return -1;
      const place = piece.indexOf(word);
      if (place !== -1) return from + place;
      from += piece.length - word.length + 1;
    }
    return -1;
  };

  return { size, at, find, close: () => closeSync(fd) };
}

/** Bytes in memory, read as a file is. */
export function bytesToWindow(bytes: Buffer): FileWindow {
  return {
    size: bytes.length,
    at: (offset, length) => (offset + length > bytes.length ? null : bytes.subarray(offset, offset + length)),
    find: (word, offset) => bytes.indexOf(word, offset),
    close: () => undefined,
  };
}

/** A frame whose checksum is right. */
export interface Frame {
  readonly offset: number;
  readonly kind: number;
  readonly body: Buffer;
  /** Where the next frame begins. */
  readonly end: number;
}

/** The frame that begins at `offset`, or `null` when no whole and sound frame does. */
export function frameAt(window: FileWindow, offset: number): Frame | null {
  const head = window.at(offset, frameHeadBytes);
  if (head === null || head.compare(frameMarker, 0, 4, 0, 4) !== 0) return null;
  const length = head.readUInt32LE(4);
  if (length > bodyBytesMax) return null;
  const bytes = window.at(offset, frameHeadBytes + length);
  if (bytes === null || frameCrc(bytes, 0, length) !== bytes.readUInt32LE(8)) return null;
  return {
    offset,
    kind: bytes.readUInt8(12),
    body: bytes.subarray(frameHeadBytes),
    end: offset + frameHeadBytes + length,
  };
}

/** The first sound frame at or behind `offset`, or `null`. */
export function nextFrame(window: FileWindow, offset: number): Frame | null {
  for (let at = window.find(frameMarker, offset); at !== -1; at = window.find(frameMarker, at + 1)) {
    const frame = frameAt(window, at);
    if (frame !== null) return frame;
  }
  return null;
}
