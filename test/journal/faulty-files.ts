import type { FileOperations } from '../../src/journal/index.ts';
import { systemFiles } from '../../src/journal/index.ts';

/** A call about to be made, and how often its kind has been made, this one included. */
export interface FileCall {
  readonly kind: keyof FileOperations;
  readonly count: number;
}

/** What a test does to a call: an error code to fail with, a number of bytes to stop after, or `null` to let it pass. */
export type Fault = (call: FileCall) => string | number | null;

/** The machine's file system with faults at the calls a test chooses. */
export function createFaultyFiles(fault: Fault): FileOperations {
  const countByKind = new Map<string, number>();
  const strike = (kind: keyof FileOperations): string | number | null => {
    const count = (countByKind.get(kind) ?? 0) + 1;
    countByKind.set(kind, count);
    return fault({ kind, count });
  };
  const refuse = (code: string): never => {
    throw Object.assign(new Error(`${code}: made to fail`), { code });
  };
  const check = (kind: keyof FileOperations): void => {
    const struck = strike(kind);
    if (typeof struck === 'string') refuse(struck);
  };
  return {
    ...systemFiles,
    create(path) {
      check('create');
      return systemFiles.create(path);
    },
    write(fd, bytes, place) {
      const struck = strike('write');
      if (typeof struck === 'string') refuse(struck);
      const length = typeof struck === 'number' ? Math.min(struck, place.length) : place.length;
      return systemFiles.write(fd, bytes, { ...place, length });
    },
    async writeLater(fd, bytes, place) {
      const struck = strike('writeLater');
      if (typeof struck === 'string') refuse(struck);
      const length = typeof struck === 'number' ? Math.min(struck, place.length) : place.length;
      return systemFiles.writeLater(fd, bytes, { ...place, length });
    },
    sync(fd) {
      check('sync');
      systemFiles.sync(fd);
    },
    async syncLater(fd) {
      check('syncLater');
      await systemFiles.syncLater(fd);
    },
    syncName(file) {
      check('syncName');
      systemFiles.syncName(file);
    },
    close(fd) {
      const struck = strike('close');
      systemFiles.close(fd);
      if (typeof struck === 'string') refuse(struck);
    },
    readText(path) {
      check('readText');
      return systemFiles.readText(path);
    },
    isLinked(fd) {
      check('isLinked');
      return systemFiles.isLinked(fd);
    },
  };
}

/** A clock that only moves when told. */
export function createHandClock(): { nowMs(): number; monotonicMs(): number; pass(ms: number): void } {
  let ms = 0;
  return { nowMs: () => 1_763_700_000_000 + ms, monotonicMs: () => ms, pass: (more) => void (ms += more) };
}
