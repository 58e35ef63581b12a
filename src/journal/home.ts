import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, posix, resolve, win32 } from 'node:path';
import { TachographError } from '../core/error.ts';
import type { SealHeads } from '../core/record/seal.ts';

// The data folder ("home"):
//
//   journal/<project>/<UTC time>-<pid>-<writer>.tgj    and beside it <name>.tgj.ack, how far it was imported
//   quarantine/<project>/…                             files that could not be read whole, each with its cause
//   keys/<name>.key
//   keys/<project>.head                                number and digest of the newest seal
//   generation                                         changes when written contents can no longer be relied on

/** Suffix of journal files. */
export const journalSuffix = '.tgj';

/** The data folder of this user: TACHOGRAPH_HOME, or the place where the platform keeps such data. Pure. */
export function defaultHome(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): string {
  if (env.TACHOGRAPH_HOME) return env.TACHOGRAPH_HOME;
  if (platform === 'win32') {
    const local = env.LOCALAPPDATA || win32.join(env.USERPROFILE || homedir(), 'AppData', 'Local');
    return win32.join(local, 'tachograph');
  }
  const user = env.HOME || homedir();
  if (platform === 'darwin') return posix.join(user, 'Library', 'Application Support', 'tachograph');
  // The XDG rules say that a relative path is to be ignored.
  const data = env.XDG_DATA_HOME?.startsWith('/') ? env.XDG_DATA_HOME : posix.join(user, '.local', 'share');
  return posix.join(data, 'tachograph');
}

/**
 * Makes the data folder and its parts, with mode 0700, and returns its absolute path. A folder that exists keeps its
 * mode. Throws `home-unusable` when it cannot be made or written to.
 */
export function openHome(path: string): string {
  const home = resolve(path);
  try {
    for (const part of ['journal', 'keys', 'quarantine']) mkdirSync(join(home, part), { recursive: true, mode: 0o700 });
    accessSync(join(home, 'journal'), constants.R_OK | constants.W_OK | constants.X_OK);
    return home;
  } catch (cause) {
    throw new TachographError(
      'home-unusable',
      `The data folder ${home} cannot be used: ${(cause as Error).message}. Set TACHOGRAPH_HOME to a folder you may write to.`,
      { cause },
    );
  }
}

/**
 * The folder name of a project. Lower-case letters, digits, `-` and `_` stand for themselves and all else is
 * escaped, so that no id leaves its folder and no two ids meet on a disk that ignores case.
 */
export function projectToFolder(projectId: string): string {
  return escapeName(projectId, /[a-z0-9_-]/) || '%';
}

function keyFile(home: string, name: string): string {
  return join(home, 'keys', `${escapeName(name, /[a-z0-9_.-]/)}.key`);
}

function escapeName(name: string, plain: RegExp): string {
  const escaped = [...Buffer.from(name)]
    .map((byte) =>
      plain.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`,
    )
    .join('');
  if (escaped.length <= 120) return escaped;
  return `${escaped.slice(0, 80)}-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}

/** Where a project's journal files lie. */
export function journalFolder(home: string, projectId: string): string {
  return join(home, 'journal', projectToFolder(projectId));
}

/** Name of a journal file: sorts by time of creation. */
export function journalName(createdAtMs: number, pid: number, writerId: string): string {
  const time = new Date(createdAtMs).toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${pid}-${writerId}${journalSuffix}`;
}

/** Path of the file whose text changes with every erasure. */
export function generationFile(home: string): string {
  return join(home, 'generation');
}

/** How often a writer looks at the generation. Whoever erases bumps it, waits twice as long, and then erases. */
export const generationCheckMs = 100;

/**
 * Tells every writer of this data folder, within `generationCheckMs`, that contents written so far can no longer be
 * relied on. Returns the new number.
 */
export function bumpGeneration(home: string): number {
  const file = generationFile(home);
  const next = readGeneration(home) + 1;
  // Two bumps at once may come to the same number; the random part makes the text differ all the same.
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  writeFileSync(draft, `${next} ${randomBytes(8).toString('hex')}\n`, { mode: 0o600, flush: true });
  renameSync(draft, file);
  return next;
}

/** The number of erasures that this data folder has seen; 0 for a new one. */
export function readGeneration(home: string): number {
  try {
    return Number.parseInt(readFileSync(generationFile(home), 'utf8'), 10) || 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/**
 * The key of that name in the data folder, made from the system's randomness when it is not there yet: `bytes` raw
 * bytes, file mode 0600. Processes that ask at once all get the same one. Throws `key-broken` for a key of another
 * length, and never replaces a key.
 */
export function readOrCreateKey(home: string, name: string, bytes: number): Uint8Array {
  const file = keyFile(home, name);
  const known = readKeyFile(file, bytes);
  if (known !== null) return known;
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(join(home, 'keys'), { recursive: true, mode: 0o700 });
    writeFileSync(draft, randomBytes(bytes), { mode: 0o600, flag: 'wx', flush: true });
    publish(draft, file);
  } catch (cause) {
    throw new TachographError('home-unusable', `The key ${file} cannot be written: ${(cause as Error).message}.`, {
      cause,
    });
  } finally {
    rmSync(draft, { force: true });
  }
  const key = readKeyFile(file, bytes);
  if (key === null) throw new TachographError('key-broken', `The key ${file} vanished while it was being made.`);
  return key;
}

/** The key of that name, or `null` when there is none. */
export function readKey(home: string, name: string, bytes: number): Uint8Array | null {
  return readKeyFile(keyFile(home, name), bytes);
}

function headFile(home: string, projectId: string): string {
  return join(home, 'keys', `${escapeName(projectId, /[a-z0-9_.-]/)}.head`);
}

/**
 * The newest seals of a data folder's projects, kept beside the keys and away from the store, so that whoever can edit
 * only the store cannot shorten the list unseen. Mode 0600; whole or not at all, also after a power cut.
 */
export function openSealHeads(home: string): SealHeads {
  return {
    read(projectId) {
      const file = headFile(home, projectId);
      let text: string;
      try {
        text = readFileSync(file, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw headBroken(file, (error as Error).message, error);
      }
      const match = /^(\d{1,15}) ([0-9a-f]{64})\n$/.exec(text);
      if (match === null) throw headBroken(file, 'it is not a number and a digest', null);
      return { number: Number(match[1]), digest: match[2]! };
    },
    write(projectId, { number, digest }) {
      const file = headFile(home, projectId);
      const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
      writeFileSync(draft, `${number} ${digest}\n`, { mode: 0o600, flag: 'wx', flush: true });
      renameSync(draft, file);
      syncFolder(join(home, 'keys'));
    },
  };
}

function headBroken(file: string, why: string, cause: unknown): TachographError {
  const message = `The number of the newest seal in ${file} cannot be read: ${why}. Restore it from a backup, or remove it to take the seals in the store as they are.`;
  return new TachographError('key-broken', message, cause === null ? {} : { cause });
}

// A renamed file is there after a power cut once its folder is on the disk. Windows has no such thing to sync.
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

// A link appears whole or not at all, and fails when the name is taken: the first of several processes wins.
function publish(draft: string, file: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error;
    publishWithoutLinks(draft, file);
  }
}

function publishWithoutLinks(draft: string, file: string): void {
  try {
    writeFileSync(file, readFileSync(draft), { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function readKeyFile(file: string, bytes: number): Uint8Array | null {
  let key: Buffer;
  try {
    key = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new TachographError('home-unusable', `The key ${file} cannot be read: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (key.length !== bytes) {
    throw new TachographError(
      'key-broken',
      `The key ${file} has ${key.length} bytes instead of ${bytes}. Restore it from a backup.`,
    );
  }
  return new Uint8Array(key);
}
