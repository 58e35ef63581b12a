import type { JournalDamage } from '../reader.ts';
import { headerIn } from '../reader.ts';
import type { JournalHeader } from '../frame.ts';
import { frameKinds } from '../frame.ts';
import type { FileWindow, Frame } from '../window.ts';
import { frameAt, nextFrame, openWindow } from '../window.ts';

/** What of a journal file goes to the server at once. */
export interface Parcel {
  readonly header: JournalHeader;
  /** Header and whole frames, as they stand in the file; `null` when there is no frame to send. */
  readonly batch: Buffer | null;
  readonly entries: number;
  /** Where the first frame of the batch stands. */
  readonly fromBytes: number;
  /** Where to go on once the batch is taken. */
  readonly nextBytes: number;
  readonly damage: readonly JournalDamage[];
  /** `more`: there are further frames. `clean`: all of the file. `torn`: it ends inside a frame. */
  readonly end: 'more' | 'clean' | 'torn';
  readonly fileBytes: number;
}

function nextEntry(window: FileWindow, at: number, damage: JournalDamage[]): Frame | null {
  const frame = frameAt(window, at) ?? nextFrame(window, at + 1);
  if (frame !== null && frame.offset > at) damage.push({ offset: at, bytes: frame.offset - at, cause: 'checksum' });
  return frame;
}

/**
 * Reads the next parcel of a file: about `bytesMax` of whole frames from `fromBytes` on, always at least one. `null` while
 * the file's first write is not whole. Throws `journal-newer`, `journal-broken` and `home-unusable` as reading does.
 */
export function readParcel(file: string, fromBytes: number, bytesMax: number): Parcel | null {
  const window = openWindow(file, bytesMax);
  try {
    const header = headerIn(window, file);
    if (header === null) return null;
    const start = Math.max(fromBytes, header.bytes);
    const damage: JournalDamage[] = [];
    const pieces: Buffer[] = [];
    let entries = 0;
    let at = start;
    let end: Parcel['end'] = 'clean';
    while (at < window.size) {
      if (at - start >= bytesMax) {
        end = 'more';
        break;
      }
      const frame = nextEntry(window, at, damage);
      if (frame === null) {
        end = 'torn';
        break;
      }
      if (frame.kind === frameKinds.entry) {
        pieces.push(window.at(frame.offset, frame.end - frame.offset)!);
        entries += 1;
      }
      at = frame.end;
    }
    const batch = entries === 0 ? null : Buffer.concat([window.at(0, header.bytes)!, ...pieces]);
    return { header, batch, entries, fromBytes: start, nextBytes: at, damage, end, fileBytes: window.size };
  } finally {
    window.close();
  }
}
