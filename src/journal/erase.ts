import * as fs from 'node:fs';
import type { ErasureTarget, ErasureTargets } from './entry.ts';
import { eraseInBody } from './entry.ts';
import { frameHeadBytes, frameKinds, sealFrame } from './frame.ts';
import { projectToFolder } from './home.ts';
import { isProcessAlive } from './identity.ts';
import type { JournalFile } from './shelf.ts';
import { listJournals, listQuarantine } from './shelf.ts';
import type { FileWindow, Frame } from './window.ts';
import { frameAt, nextFrame, openWindow } from './window.ts';

/** What an erasure did to the journal files of a project. */
export interface JournalErasure {
  readonly files: number;
  readonly events: number;
  readonly contents: number;
  /** Bytes of regions that no longer decode, overwritten since they may hold the words as well. */
  readonly unreadableBytes: number;
}

const chunkBytes = 1024 * 1024;

/**
 * Overwrites the words of the target, or of several by run, in every journal file of a project, quarantine included, and syncs them. Files
 * keep their length, events their digest and hash: the chain still verifies. Only whole frames that lie before the
 * end of the file are touched, so a writer may go on meanwhile. Before it, bump the generation and wait two
 * `generationCheckMs`, so that no writer counts on a content that goes; no reader may be at work in another process.
 * Throws `journal-newer` or `home-unusable` at the end when a file of the project was written by a later version or
 * could not be read.
 */
export function eraseFromJournals(
  home: string,
  projectId: string,
  target: ErasureTarget | ErasureTargets,
): JournalErasure {
  const total = { files: 0, events: 0, contents: 0, unreadableBytes: 0 };
  let outOfReach: Error | null = null;
  const folder = `${projectToFolder(projectId)}/`;
  const [living, aside] = [listJournals(home), new Set(listQuarantine(home))];
  for (const journal of [...living, ...aside]) {
    if (!journal.name.startsWith(folder)) continue;
    if (journal.error !== null && journal.error.code !== 'journal-broken') {
      outOfReach = journal.error;
      continue;
    }
    const done = eraseFromFile(journal, target, aside.has(journal));
    total.files += done.events + done.contents + done.unreadableBytes > 0 ? 1 : 0;
    total.events += done.events;
    total.contents += done.contents;
    total.unreadableBytes += done.unreadableBytes;
  }
  // What can be erased is, before the caller learns that a file was out of reach.
  if (outOfReach !== null) throw outOfReach;
  return total;
}

function eraseFromFile(
  journal: JournalFile,
  target: ErasureTarget | ErasureTargets,
  isAside: boolean,
): Omit<JournalErasure, 'files'> {
  const done = { events: 0, contents: 0, unreadableBytes: 0 };
  const fd = fs.openSync(journal.file, 'r+');
  const window = openWindow(journal.file, chunkBytes);
  const clear = (offset: number, bytes: number): void => {
    if (overwrite(fd, window, { offset, bytes })) done.unreadableBytes += bytes;
  };
  try {
    let at = journal.error === null ? (journal.header?.bytes ?? window.size) : 0;
    while (at < window.size) {
      const frame = frameAt(window, at) ?? nextFrame(window, at + 1);
      if (frame === null) break;
      clear(at, frame.offset - at);
      if (frame.kind === frameKinds.entry) eraseFromFrame(fd, frame, { target, done, clear });
      at = frame.end;
    }
    // What follows the last frame is a write in progress, unless nobody is left to finish it.
    if (isAside || journal.header === null || isProcessAlive(journal.header.identity) === 'gone')
      clear(at, window.size - at);
    if (done.events + done.contents + done.unreadableBytes > 0) fs.fdatasyncSync(fd);
  } finally {
    window.close();
    fs.closeSync(fd);
  }
  return done;
}

interface Erasing {
  readonly target: ErasureTarget | ErasureTargets;
  readonly done: { events: number; contents: number };
  readonly clear: (offset: number, bytes: number) => void;
}

function eraseFromFrame(fd: number, frame: Frame, { target, done, clear }: Erasing): void {
  const bytes = Buffer.alloc(frameHeadBytes + frame.body.length);
  frame.body.copy(bytes, frameHeadBytes);
  let erased: ReturnType<typeof eraseInBody>;
  try {
    erased = eraseInBody(bytes.subarray(frameHeadBytes), target);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    clear(frame.offset, frame.end - frame.offset);
    return;
  }
  if (erased.events + erased.contents === 0) return;
  sealFrame(bytes, 0, frame.body.length, frame.kind);
  fs.writeSync(fd, bytes, 0, bytes.length, frame.offset);
  done.events += erased.events;
  done.contents += erased.contents;
}

/** Puts zeros over a region; false when it held nothing else. */
function overwrite(fd: number, window: FileWindow, region: { offset: number; bytes: number }): boolean {
  const end = region.offset + region.bytes;
  let changed = false;
  for (let at = region.offset; at < end; at += chunkBytes) {
    const length = Math.min(chunkBytes, end - at);
    if (window.at(at, length)?.every((byte) => byte === 0)) continue;
    fs.writeSync(fd, Buffer.alloc(length), 0, length, at);
    changed = true;
  }
  return changed;
}
