import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { TachographError } from '../../../core/error.ts';
import type { Note } from './reading.ts';
import type { Shelf } from './shelf.ts';
import { emptyShelf, parseShelf, shelfToText } from './shelf.ts';

/** The file of presets in a data folder. */
export function shelfFile(dataFolder: string): string {
  return join(dataFolder, 'moa.json');
}

const ignore: Note = () => undefined;

/** The shelf as its file is now; empty when there is none. Throws `bad-argument` for a file that cannot be read. */
export function readShelf(file: string, note: Note = ignore): Shelf {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return emptyShelf;
    throw new TachographError('bad-argument', `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  return parseShelf(text, file, note);
}

/** Writes a shelf, whole or not at all, mode 0600. Throws as `shelfToText` does, and then has written nothing. */
export function writeShelf(file: string, shelf: Shelf): void {
  const text = shelfToText(shelf);
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(draft, file);
}
