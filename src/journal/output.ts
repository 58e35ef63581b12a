import type { Clock } from '../core/clock.ts';
import type { ProcessIdentity } from '../core/journal.ts';
import { join } from 'node:path';
import type { FileOperations } from './file-operations.ts';
import { encodeHeader } from './frame.ts';
import { journalFolder, journalName } from './home.ts';

/** The journal files of one writer, one after the other: bytes go to the newest, which is made when first needed. */
export interface Output {
  /**
   * Writes whole frames behind the last ones, in the caller's thread. Throws when that failed; then nothing counts as
   * written, and the next call must begin with the same bytes, which go to the same place.
   */
  write(bytes: Buffer): void;
  /** The same off the caller's thread; one at a time, and not beside `write`. */
  writeLater(bytes: Buffer): Promise<void>;
  /** fdatasync of the newest file. When it fails, that file is given up (`onDistrust`) and the error thrown. */
  sync(): void;
  /** The same for all files with unsynced bytes, off the caller's thread. */
  syncLater(): Promise<void>;
  /** Gives up the newest file when its name is gone, as after the data folder was deleted. True when it did. */
  leaveIfUnlinked(): boolean;
  /** Marks the newest file as written to now, off the caller's thread; nothing without one. */
  touchLater(): Promise<void>;
  /** Lets go of the newest file; the next write makes another. */
  close(): Promise<void>;
  /** Every file written so far, with its bytes. */
  files(): readonly WrittenFile[];
}

/** A file and how many of its bytes are whole frames. */
export interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
}

/** What an output is made of. */
export interface OutputOptions {
  readonly home: string;
  readonly projectId: string;
  readonly identity: ProcessIdentity;
  readonly isPowerSafe: boolean;
  readonly rotateBytes: number;
  readonly clock: Clock;
  readonly fs: FileOperations;
  /** A sync failed: what was written from `fromBytes` on may never reach the disk from this file. */
  readonly onDistrust: (unsynced: { file: string; fromBytes: number }) => void;
  readonly onError: (error: unknown) => void;
}

interface OpenFile {
  readonly file: string;
  readonly fd: number;
  readonly createdAtMs: number;
  /** Bytes of the header that are not written yet. */
  head: Buffer | null;
  position: number;
  syncedBytes: number;
  /** A write failed halfway: bytes behind `position` are the beginning of what comes next. */
  isTorn: boolean;
  /** Work of other threads on `fd`; it is not closed before they are done. */
  readonly pending: Set<Promise<unknown>>;
}

/** A file is followed by a new one after a day, so that what retention drops does not rest in it for months. */
const rotateMs = 24 * 3600 * 1000;
const attemptsMax = 3;
const finishedMax = 64;

/** An output without a file. */
export function createOutput(options: OutputOptions): Output {
  const { fs, clock } = options;
  let current: OpenFile | null = null;
  let lastStampMs = 0;
  const finished: WrittenFile[] = [];
  const retiring = new Set<Promise<boolean>>();

  const open = (): OpenFile => {
    const folder = journalFolder(options.home, options.projectId);
    // Names of one writer never repeat and never run backwards, whatever the clock does.
    const createdAtMs = (lastStampMs = Math.max(clock.nowMs(), lastStampMs + 1));
    const file = join(folder, journalName(createdAtMs, options.identity.pid, options.identity.writerId));
    const fd = createIn(folder, file, fs);
    const head = encodeHeader({ projectId: options.projectId, identity: options.identity, createdAtMs });
    const pending = new Set<Promise<unknown>>();
    const opened = { file, fd, createdAtMs, head, position: 0, syncedBytes: 0, isTorn: false, pending };
    try {
      if (options.isPowerSafe) fs.syncName(file);
    } catch (error) {
      fs.close(fd);
      throw error;
    }
    return opened;
  };

  const leave = (): OpenFile | null => {
    const left = current;
    current = null;
    if (left === null) return null;
    finished.push({ file: left.file, bytes: left.position });
    if (finished.length > finishedMax) finished.shift();
    return left;
  };

  const closeWhenIdle = async (left: OpenFile): Promise<void> => {
    await Promise.allSettled([...left.pending]);
    try {
      fs.close(left.fd);
    } catch (error) {
      options.onError(error);
    }
  };

  const distrust = (file: OpenFile): void => {
    if (current !== file) return;
    void closeWhenIdle(leave()!);
    options.onDistrust({ file: file.file, fromBytes: file.syncedBytes });
  };

  // A full file is synced and closed off the caller's thread; a flush waits for that too.
  const retire = (left: OpenFile): void => {
    const work = (async () => {
      try {
        if (left.syncedBytes < left.position) await fs.syncLater(left.fd);
      } catch (error) {
        options.onError(error);
        options.onDistrust({ file: left.file, fromBytes: left.syncedBytes });
        return false;
      } finally {
        await closeWhenIdle(left);
      }
      return true;
    })();
    retiring.add(work);
    void work.finally(() => retiring.delete(work));
  };

  const isFull = ({ position, createdAtMs }: OpenFile, length: number): boolean =>
    position + length > options.rotateBytes || (position > 0 && clock.nowMs() - createdAtMs > rotateMs);

  const ready = (length: number): OpenFile => {
    if (current !== null && !current.isTorn && current.head === null && isFull(current, length)) retire(leave()!);
    return (current ??= open());
  };

  const failed = (file: OpenFile, error: unknown): void => {
    file.isTorn = true;
    // Somebody closed our descriptor: its number may belong to another file by now, so it is not even closed.
    if ((error as NodeJS.ErrnoException).code === 'EBADF' && current === file) leave();
  };

  const writeAll = (file: OpenFile, bytes: Buffer): void => {
    let attempts = 0;
    for (let done = 0; done < bytes.length;) {
      try {
        const got = fs.write(file.fd, bytes, {
          offset: done,
          length: bytes.length - done,
          position: file.position + done,
        });
        done += got;
        attempts = got > 0 ? 0 : attempts + 1;
        if (attempts === attemptsMax) throw new Error(`The journal ${file.file} takes no more bytes.`);
      } catch (error) {
        attempts += 1;
        if (!isPassing(error) || attempts >= attemptsMax) throw error;
      }
    }
    file.position += bytes.length;
  };

  const writeAllLater = async (file: OpenFile, bytes: Buffer): Promise<void> => {
    for (let done = 0; done < bytes.length;) {
      const place = { offset: done, length: bytes.length - done, position: file.position + done };
      const got = await track(file, fs.writeLater(file.fd, bytes, place));
      if (got === 0) throw new Error(`The journal ${file.file} takes no more bytes.`);
      done += got;
    }
    file.position += bytes.length;
  };

  const syncOf = async (file: OpenFile): Promise<void> => {
    const { position } = file;
    if (position === file.syncedBytes) return;
    try {
      await track(file, fs.syncLater(file.fd));
      file.syncedBytes = Math.max(file.syncedBytes, position);
    } catch (error) {
      distrust(file);
      throw error;
    }
  };

  return {
    write(bytes) {
      const file = ready(bytes.length);
      try {
        if (file.head !== null) writeAll(file, file.head);
        file.head = null;
        writeAll(file, bytes);
        file.isTorn = false;
      } catch (error) {
        failed(file, error);
        throw error;
      }
    },
    async writeLater(bytes) {
      const file = ready(bytes.length);
      try {
        if (file.head !== null) await writeAllLater(file, file.head);
        file.head = null;
        await writeAllLater(file, bytes);
        file.isTorn = false;
      } catch (error) {
        failed(file, error);
        throw error;
      }
      if (current !== file) throw new Error(`The journal ${file.file} was given up while it was written to.`);
    },
    sync() {
      if (current === null) return;
      try {
        fs.sync(current.fd);
        current.syncedBytes = current.position;
      } catch (error) {
        distrust(current);
        throw error;
      }
    },
    async syncLater() {
      const outcomes = await Promise.all(retiring);
      if (outcomes.includes(false)) throw new Error('An earlier journal file could not be synced.');
      if (current !== null) await syncOf(current);
    },
    leaveIfUnlinked() {
      if (current === null || fs.isLinked(current.fd)) return false;
      const left = leave()!;
      finished.pop();
      void closeWhenIdle(left);
      return true;
    },
    async touchLater() {
      if (current !== null) await track(current, fs.touchLater(current.fd, clock.nowMs()));
    },
    async close() {
      const left = leave();
      if (left !== null) await closeWhenIdle(left);
      await Promise.all(retiring);
    },
    files: () => (current === null ? [...finished] : [...finished, { file: current.file, bytes: current.position }]),
  };
}

function track<T>(file: OpenFile, work: Promise<T>): Promise<T> {
  file.pending.add(work);
  const forget = (): void => void file.pending.delete(work);
  work.then(forget, forget);
  return work;
}

function createIn(folder: string, file: string, fs: FileOperations): number {
  try {
    return fs.create(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    fs.makeFolder(folder);
    return fs.create(file);
  }
}

/** Errors that go away by themselves at once. */
function isPassing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EINTR' || code === 'EAGAIN';
}
