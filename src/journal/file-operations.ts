import * as fs from 'node:fs';
import { dirname } from 'node:path';

/**
 * What a journal asks of the file system: the few calls, in the form the writer needs them. Tests hand in the real
 * ones wrapped, failing or slow at a chosen call. Every method throws or rejects as `node:fs` does.
 */
export interface FileOperations {
  /** Makes a folder with mode 0700, and those above it. */
  makeFolder(path: string): void;
  /** Creates a file with mode 0600 for writing; `EEXIST` when it is there already. */
  create(path: string): number;
  /** Bytes written, which may be fewer than `length`. */
  write(fd: number, bytes: Uint8Array, place: WritePlace): number;
  writeLater(fd: number, bytes: Uint8Array, place: WritePlace): Promise<number>;
  /** fdatasync. */
  sync(fd: number): void;
  syncLater(fd: number): Promise<void>;
  /** Makes the name of a new file durable: syncs its folder and the one above. */
  syncName(file: string): void;
  /** Sets the time at which the file was last written to, Unix milliseconds. */
  touchLater(fd: number, atMs: number): Promise<void>;
  close(fd: number): void;
  /** False once nobody can find the file by a name any more. */
  isLinked(fd: number): boolean;
  /** The text of a small file, `null` when there is none. */
  readText(path: string): string | null;
}

/** Which bytes go where. */
export interface WritePlace {
  readonly offset: number;
  readonly length: number;
  readonly position: number;
}

/** The machine's own file system. */
export const systemFiles: FileOperations = {
  makeFolder: (path) => void fs.mkdirSync(path, { recursive: true, mode: 0o700 }),
  create: (path) => fs.openSync(path, 'wx', 0o600),
  write: (fd, bytes, { offset, length, position }) => fs.writeSync(fd, bytes, offset, length, position),
  writeLater: (fd, bytes, { offset, length, position }) =>
    new Promise((resolve, reject) => {
      fs.write(fd, bytes, offset, length, position, (error, written) => (error ? reject(error) : resolve(written)));
    }),
  sync: (fd) => fs.fdatasyncSync(fd),
  syncLater: (fd) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()));
    }),
  syncName(file) {
    // Windows opens no folders, and its file system journals names itself.
    if (process.platform === 'win32') return;
    for (const folder of [dirname(file), dirname(dirname(file))]) {
      const fd = fs.openSync(folder, 'r');
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    }
  },
  touchLater: (fd, atMs) =>
    new Promise((resolve, reject) => {
      fs.futimes(fd, atMs / 1000, atMs / 1000, (error) => (error ? reject(error) : resolve()));
    }),
  close: (fd) => fs.closeSync(fd),
  isLinked: (fd) => fs.fstatSync(fd).nlink > 0,
  readText(path) {
    try {
      return fs.readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  },
};
