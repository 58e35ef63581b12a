import type { JournalEntry } from '../core/journal.ts';
import { decodeEntry } from './entry.ts';
import type { JournalHeader } from './frame.ts';
import { frameKinds, headerBytesOf, parseHeader, prefixBytes } from './frame.ts';
import type { FileWindow, Frame } from './window.ts';
import { frameAt, nextFrame, openWindow } from './window.ts';

/** A region of a journal that holds no sound frame, though sound ones follow. */
export interface JournalDamage extends JournalPlace {
  /** `checksum`: no sound frame there. `content`: a sound frame whose body is not an entry. */
  readonly cause: 'checksum' | 'content';
}

/** A region of a journal. */
export interface JournalPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** What one reading of a journal found. */
export interface JournalPart {
  readonly entries: readonly JournalEntry[];
  /** Where the frame of each entry stands, in the same order. */
  readonly places: readonly JournalPlace[];
  /** Where to read on. */
  readonly nextBytes: number;
  readonly damage: readonly JournalDamage[];
  /**
   * `more`: read on at once. `clean`: all of the file was read. `torn`: the bytes from `nextBytes` on are the
   * beginning of a frame: the end, when the writer is gone; not yet written, when it lives.
   */
  readonly end: 'more' | 'clean' | 'torn';
  /** Size of the file when it was read. */
  readonly fileBytes: number;
}

const chunkBytes = 1024 * 1024;

/**
 * The entries of a journal file from a byte offset on: 0, or the `nextBytes` of the part before. Reads about
 * `maxBytes` at once (1 MiB unless said otherwise; always at least one whole frame) and changes nothing. Damaged
 * regions are stepped over and reported. Throws `journal-newer` or `journal-broken` when the file cannot be read at
 * all.
 */
export function readJournal(file: string, fromBytes: number, options?: { maxBytes?: number }): JournalPart {
  const maxBytes = options?.maxBytes ?? chunkBytes;
  const window = openWindow(file, Math.max(4096, maxBytes));
  try {
    const start = fromBytes > 0 ? fromBytes : (headerIn(window, file)?.bytes ?? 0);
    if (start === 0) {
      return {
        entries: [],
        places: [],
        nextBytes: 0,
        damage: [],
        end: window.size === 0 ? 'clean' : 'torn',
        fileBytes: window.size,
      };
    }
    return readFrames(window, start, maxBytes);
  } finally {
    window.close();
  }
}

function readFrames(window: FileWindow, start: number, maxBytes: number): JournalPart {
  const entries: JournalEntry[] = [];
  const places: JournalPlace[] = [];
  const damage: JournalDamage[] = [];
  const done = (nextBytes: number, end: JournalPart['end']): JournalPart => ({
    entries,
    places,
    nextBytes,
    damage,
    end,
    fileBytes: window.size,
  });
  let at = start;
  while (at < window.size) {
    if (at - start >= maxBytes) return done(at, 'more');
    const frame = frameAt(window, at) ?? nextFrame(window, at + 1);
    if (frame === null) return done(at, 'torn');
    if (frame.offset > at) damage.push({ offset: at, bytes: frame.offset - at, cause: 'checksum' });
    const entry = frame.kind === frameKinds.entry ? entryOf(frame) : null;
    const place = { offset: frame.offset, bytes: frame.end - frame.offset };
    if (entry === 'broken') damage.push({ ...place, cause: 'content' });
    else if (entry !== null) {
      entries.push(entry);
      places.push(place);
    }
    at = frame.end;
  }
  return done(at, 'clean');
}

function entryOf(frame: Frame): JournalEntry | 'broken' {
  try {
    return decodeEntry(frame.body);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return 'broken';
  }
}

/**
 * The header of a journal file, or `null` while its first write is not whole. Throws `journal-newer` or
 * `journal-broken`.
 */
export function readJournalHeader(file: string): JournalHeader | null {
  const window = openWindow(file, 4096);
  try {
    return headerIn(window, file);
  } finally {
    window.close();
  }
}

/** The header of an opened file. */
export function headerIn(window: FileWindow, file: string): JournalHeader | null {
  const prefix = window.at(0, Math.min(window.size, prefixBytes)) ?? Buffer.alloc(0);
  return parseHeader(window.at(0, Math.min(window.size, headerBytesOf(prefix))) ?? prefix, file);
}
