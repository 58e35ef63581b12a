import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isTachographError, TachographError } from '../core/error.ts';
import type { JournalHeader } from './frame.ts';
import { journalSuffix, projectToFolder } from './home.ts';
import type { JournalPlace } from './reader.ts';
import { readJournalHeader } from './reader.ts';

/** One journal file of a data folder. */
export interface JournalFile {
  /** Absolute path. */
  readonly file: string;
  /** `<project folder>/<file name>`: the same wherever the data folder lies. */
  readonly name: string;
  readonly bytes: number;
  /** When it was last written to, Unix milliseconds. */
  readonly modifiedAtMs: number;
  /** `null` while its first write is not whole, or when it cannot be read. */
  readonly header: JournalHeader | null;
  /** Why it cannot be read at all (`journal-broken`, `journal-newer`, `home-unusable`), else `null`. */
  readonly error: TachographError | null;
}

/**
 * The journal files of a data folder, oldest first, so that files of one writer come in the order they were written.
 * A file that cannot be read is listed with its error; one that vanishes meanwhile is left out.
 */
export function listJournals(home: string): JournalFile[] {
  return listFolder(join(home, 'journal'));
}

/** The files in quarantine, oldest first. */
export function listQuarantine(home: string): JournalFile[] {
  return listFolder(join(home, 'quarantine'));
}

function listFolder(root: string): JournalFile[] {
  const files: JournalFile[] = [];
  for (const project of readFolder(root)) {
    for (const name of readFolder(join(root, project))) {
      if (!name.endsWith(journalSuffix)) continue;
      const found = describe(join(root, project, name), `${project}/${name}`);
      if (found !== null) files.push(found);
    }
  }
  return files.sort((a, b) => (basename(a.file) < basename(b.file) ? -1 : 1));
}

function readFolder(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function describe(file: string, name: string): JournalFile | null {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  const common = { file, name, bytes: stat.size, modifiedAtMs: stat.mtimeMs };
  try {
    const header = readJournalHeader(file);
    if (header !== null) checkFolder(file, header);
    return { ...common, header, error: null };
  } catch (error) {
    if (!isTachographError(error)) throw error;
    // Removed since the folder was read: nobody needs it any more.
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null;
    return { ...common, header: null, error };
  }
}

// Projects are kept apart by their folders (I10): erasure looks for a project's words nowhere else.
function checkFolder(file: string, { projectId }: JournalHeader): void {
  if (basename(dirname(file)) === projectToFolder(projectId)) return;
  throw new TachographError(
    'journal-broken',
    `The journal ${file} belongs to another project than its folder. Move it to journal/${projectToFolder(projectId)}.`,
  );
}

const ackDigits = 16;

/** Tells the writer of `file` that all bytes before `bytes` have been imported. */
export function writeAck(file: string, bytes: number): void {
  const number = String(bytes).padStart(ackDigits, '0');
  // Same length each time and the number twice: one write in place, and whoever reads halfway sees two that differ.
  const text = Buffer.from(`${number} ${number}\n`);
  const fd = fs.openSync(`${file}.ack`, fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o600);
  try {
    fs.writeSync(fd, text, 0, text.length, 0);
  } finally {
    fs.closeSync(fd);
  }
}

/** How many bytes of `file` have been imported, or `null` when nobody has said. */
export function readAck(file: string): number | null {
  let text: string;
  try {
    text = fs.readFileSync(`${file}.ack`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const match = /^(\d{16}) (\d{16})\n$/.exec(text);
  return match !== null && match[1] === match[2] ? Number(match[1]) : null;
}

/** True when all bytes before `bytes` were imported; a file that is gone was removed after that. */
export function isImported(file: string, bytes: number): boolean {
  return (readAck(file) ?? -1) >= bytes || !fs.existsSync(file);
}

/** Deletes a journal file and its acknowledgement. Only for a file that is imported whole and no longer written. */
export function removeJournal(file: string): void {
  fs.rmSync(file, { force: true });
  fs.rmSync(`${file}.ack`, { force: true });
}

/**
 * Deletes a journal file that still has the size it was imported to; false when it has grown, and nothing was done. A
 * writer that nobody could see notices before its next write that the file is gone.
 */
export function removeJournalAt(file: string, bytes: number): boolean {
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? bytes) > bytes) return false;
  removeJournal(file);
  return true;
}

/**
 * Puts a journal file into quarantine, with the cause beside it as text, and returns where it went. With `copy` the
 * original stays where it is, for a file whose writer may still live.
 */
export function quarantineJournal(file: string, cause: string, options?: { copy?: boolean }): string {
  const folder = quarantineFolder(file);
  if (options?.copy) {
    const target = join(folder, basename(file));
    fs.copyFileSync(file, target);
    return explain(target, file, cause);
  }
  const target = join(
    folder,
    basename(file).replace(journalSuffix, `-${randomBytes(4).toString('hex')}${journalSuffix}`),
  );
  fs.renameSync(file, target);
  fs.rmSync(`${file}.ack`, { force: true });
  return explain(target, file, cause);
}

function quarantineFolder(file: string): string {
  const folder = join(dirname(dirname(dirname(file))), 'quarantine', basename(dirname(file)));
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

const causeSuffix = '.cause.txt';
const copyBytes = 1024 * 1024;

/**
 * Copies one region of a journal into quarantine, durably, and notes the cause. All regions of a file go into one copy,
 * `<name>-parts.tgj`, mode 0600: a journal like any other, so that an erasure finds it and a later version may read it.
 * A region that was copied last time already is not copied again.
 */
export function copyAside(file: string, place: JournalPlace, cause: string): void {
  const target = join(quarantineFolder(file), basename(file).replace(journalSuffix, `-parts${journalSuffix}`));
  const at = `${place.bytes} bytes at ${place.offset}: `;
  if (readCauses(target).some((known) => known.startsWith(at))) return;
  const from = fs.openSync(file, 'r');
  const to = fs.openSync(target, 'a', 0o600);
  try {
    if (fs.fstatSync(to).size === 0) copyRegion(from, to, { offset: 0, bytes: readJournalHeader(file)?.bytes ?? 0 });
    copyRegion(from, to, place);
    fs.fdatasyncSync(to);
  } finally {
    fs.closeSync(from);
    fs.closeSync(to);
  }
  if (!fs.existsSync(`${target}${causeSuffix}`)) explain(target, file, `${at}${cause}`);
  else fs.appendFileSync(`${target}${causeSuffix}`, `${at}${cause}\n`, { flush: true });
}

function copyRegion(from: number, to: number, { offset, bytes }: JournalPlace): void {
  const buffer = Buffer.allocUnsafe(Math.min(copyBytes, bytes));
  for (let done = 0; done < bytes;) {
    const got = fs.readSync(from, buffer, 0, Math.min(buffer.length, bytes - done), offset + done);
    if (got === 0) return;
    fs.writeSync(to, buffer, 0, got);
    done += got;
  }
}

/** Deletes a file in quarantine with its causes. */
export function removeQuarantined(file: string): void {
  fs.rmSync(file, { force: true });
  fs.rmSync(`${file}${causeSuffix}`, { force: true });
}

const causesBytesMax = 256 * 1024;

/** Why a file, or each of the regions of one, is in quarantine: the lines of its cause, at most the last 256 KiB. */
export function readCauses(file: string): string[] {
  let text: string;
  try {
    text = fs.readFileSync(`${file}${causeSuffix}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // The first line is where the file stood.
  return text
    .slice(text.indexOf('\n') + 1)
    .slice(-causesBytesMax)
    .split('\n')
    .filter((line) => line !== '');
}

function explain(target: string, file: string, cause: string): string {
  fs.writeFileSync(`${target}${causeSuffix}`, `${file}\n${cause}\n`, { mode: 0o600 });
  return target;
}
