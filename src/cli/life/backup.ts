import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { TachographError } from '../../core/error.ts';
import { listJournals, listQuarantine, readGeneration, settingsFile } from '../../journal/index.ts';
import { storeName } from '../database.ts';
import { backupSqlite } from '../../stores/sqlite/index.ts';
import { priceFileName } from '../prices.ts';
import { version } from '../version.ts';

/** One file of a backup. */
interface BackedFile {
  /** Below the backup's folder, with `/`. */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** What a backup says of itself: `backup.json`, written last, so that one without it is not whole. */
export interface BackupManifest {
  readonly format: 'tachograph-backup/1';
  readonly version: string;
  readonly createdAtMs: number;
  readonly hasKeys: boolean;
  readonly files: readonly BackedFile[];
}

/** How a backup is made. */
export interface BackupOptions {
  readonly home: string;
  /** A folder that does not exist yet, or is empty. */
  readonly folder: string;
  /** Secret keys too. Whoever has them can seal what was never recorded. */
  readonly withKeys: boolean;
  readonly nowMs: number;
  readonly onProgress: (what: string) => void | Promise<void>;
}

/** The name under which a backup says what it holds. */
export const manifestName = 'backup.json';
const triesMax = 3;
const copyBytes = 1024 * 1024;

function makeFolder(path: string): void {
  fs.mkdirSync(path, { recursive: true, mode: 0o700 });
}

function openFolder(folder: string, home: string): void {
  try {
    const inside = relative(fs.realpathSync(home), folder);
    makeFolder(folder);
    if (fs.readdirSync(folder).length > 0)
      throw new TachographError('bad-argument', `The folder ${folder} is not empty; name a new one for the backup.`);
    if (inside === '' || !(inside.startsWith('..') || inside.startsWith('/')))
      throw new TachographError('bad-argument', `The folder ${folder} lies in the home itself; name one outside.`);
  } catch (cause) {
    if (cause instanceof TachographError) throw cause;
    throw new TachographError('home-unusable', `The folder ${folder} cannot be used: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** Copies the bytes that a file has now, though it may grow or vanish meanwhile; false when it is gone. */
function copyFile(from: string, to: string): boolean {
  let source: number;
  try {
    source = fs.openSync(from, 'r');
  } catch (error) {
    // Imported whole and removed since it was listed: the store has it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  makeFolder(dirname(to));
  const target = fs.openSync(to, 'wx', 0o600);
  try {
    const buffer = Buffer.allocUnsafe(copyBytes);
    const { size } = fs.fstatSync(source);
    for (let at = 0; at < size;) {
      const got = fs.readSync(source, buffer, 0, Math.min(buffer.length, size - at), at);
      if (got === 0) break;
      fs.writeSync(target, buffer, 0, got);
      at += got;
    }
    fs.fsyncSync(target);
  } finally {
    fs.closeSync(source);
    fs.closeSync(target);
  }
  return true;
}

function digestOf(file: string): { bytes: number; digest: string } {
  const hash = createHash('sha256');
  const fd = fs.openSync(file, 'r');
  let bytes = 0;
  try {
    const buffer = Buffer.allocUnsafe(copyBytes);
    for (let got = fs.readSync(fd, buffer); got > 0; got = fs.readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, got));
      bytes += got;
    }
  } finally {
    fs.closeSync(fd);
  }
  return { bytes, digest: hash.digest('hex') };
}

/** Heads of the lists of seals, which are no secret; with `withKeys` the keys as well. */
function copyKeys(home: string, folder: string, withKeys: boolean): void {
  const keys = join(home, 'keys');
  for (const name of fs.existsSync(keys) ? fs.readdirSync(keys) : [])
    if (name.endsWith('.head') || (withKeys && name.endsWith('.key')))
      copyFile(join(keys, name), join(folder, 'keys', name));
}

function copyJournals(home: string, folder: string): void {
  for (const { file, name } of listJournals(home)) copyFile(file, join(folder, 'journal', name));
  for (const { file, name } of listQuarantine(home)) {
    copyFile(file, join(folder, 'quarantine', name));
    copyFile(`${file}.cause.txt`, join(folder, 'quarantine', `${name}.cause.txt`));
  }
}

/** Where imported runs came from; after the store, which must not have a run whose origin is missing. */
function copyOrigins(home: string, folder: string): void {
  const origins = join(home, 'origins');
  if (!fs.existsSync(origins)) return;
  for (const file of listFiles(origins))
    if (file.endsWith('.origin')) copyFile(file, join(folder, 'origins', relative(origins, file)));
}

function copyPlainFiles(home: string, folder: string): void {
  for (const name of [basename(settingsFile(home)), priceFileName, 'generation'])
    copyFile(join(home, name), join(folder, name));
}

function listFiles(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function writeManifest({ folder, withKeys, nowMs }: BackupOptions): BackupManifest {
  const files = listFiles(folder).map((file) => ({
    name: relative(folder, file).replaceAll('\\', '/'),
    ...digestOf(file),
  }));
  const manifest: BackupManifest = {
    format: 'tachograph-backup/1',
    version,
    createdAtMs: nowMs,
    hasKeys: withKeys,
    files,
  };
  fs.writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
  return manifest;
}

/**
 * Copies a home while a server and recorders work in it. First the heads of the seals, then journals, then the store: the
 * store is never behind a head, and what left a journal meanwhile is in the store. An erasure in between would leave its
 * words in the copy, so everything is copied anew; after three such tries `store-busy`.
 */
export async function backUp(options: BackupOptions): Promise<BackupManifest> {
  const { home, folder, withKeys, onProgress } = options;
  if (!fs.existsSync(join(home, storeName)))
    throw new TachographError('home-unusable', `There is no store in ${home}; nothing was ever recorded there.`);
  openFolder(folder, home);
  for (let tries = 1; ; tries += 1) {
    const generation = readGeneration(home);
    await onProgress('copying journals');
    copyKeys(home, folder, withKeys);
    copyPlainFiles(home, folder);
    copyJournals(home, folder);
    await onProgress('copying the store');
    await backupSqlite(join(home, storeName), join(folder, storeName));
    copyOrigins(home, folder);
    if (readGeneration(home) === generation) break;
    for (const name of fs.readdirSync(folder)) fs.rmSync(join(folder, name), { recursive: true });
    if (tries === triesMax)
      throw new TachographError(
        'store-busy',
        'Words were erased while the backup was made, three times; try again later.',
      );
  }
  await onProgress('computing digests');
  return writeManifest(options);
}
