import type { JournalEntry, ProcessIdentity } from '../../src/core/journal.ts';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { headerToText } from '../../src/core/record/event.ts';
import { createEntryEncoder } from '../../src/journal/entry.ts';
import { encodeHeader, frameHeadBytes, frameKinds, sealFrame } from '../../src/journal/frame.ts';
import { currentIdentity } from '../../src/journal/index.ts';

/** A journal file written byte by byte, with checksums that are right over whatever it holds. */
export interface ForgedJournal {
  readonly file: string;
  append(...entries: readonly JournalEntry[]): ForgedJournal;
  /** A frame with this body. */
  appendBody(body: Buffer): ForgedJournal;
  appendBytes(bytes: Buffer): ForgedJournal;
}

let files = 0;

/** A new journal of a home, as the process that runs the tests would write it. */
export function forgeJournal(
  home: string,
  options: { writerId?: string; projectId?: string; folder?: string; identity?: Partial<ProcessIdentity> } = {},
): ForgedJournal {
  const { writerId = 'a'.repeat(16), projectId = 'default', folder = 'default' } = options;
  files += 1;
  const name = `20261102T0000${String(files).padStart(5, '0')}Z-${process.pid}-${writerId}.tgj`;
  const file = join(home, 'journal', folder, name);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const identity = { ...currentIdentity(writerId), ...options.identity };
  writeFileSync(file, encodeHeader({ projectId, identity, createdAtMs: 1 }), { mode: 0o600 });
  const encode = createEntryEncoder();
  const journal: ForgedJournal = {
    file,
    append(...entries) {
      for (const entry of entries) appendFileSync(file, encode(entry));
      return journal;
    },
    appendBody: (body) => journal.appendBytes(bodyToFrame(body)),
    appendBytes(bytes) {
      appendFileSync(file, bytes);
      return journal;
    },
  };
  return journal;
}

/** A frame whose checksum is right, whatever its body holds. */
export function bodyToFrame(body: Buffer): Buffer {
  const frame = Buffer.alloc(frameHeadBytes + body.length);
  body.copy(frame, frameHeadBytes);
  sealFrame(frame, 0, body.length, frameKinds.entry);
  return frame;
}

/** The body of an entry, with the text of its header put in place of its own. */
export function entryToBody(entry: JournalEntry, header: string = headerToText(entry.event.header)): Buffer {
  const frame = createEntryEncoder()(entry);
  const body = Buffer.from(frame.subarray(frameHeadBytes));
  const known = Buffer.byteLength(headerToText(entry.event.header));
  const text = Buffer.from(header);
  body.writeUInt32LE(text.length, 5);
  return Buffer.concat([body.subarray(0, 101), text, body.subarray(101 + known)]);
}
