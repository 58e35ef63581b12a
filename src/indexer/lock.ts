import { DatabaseSync } from 'node:sqlite';

/** A lock between processes. Held until released or until the process is gone, however it went. */
export interface Lock {
  /** True when this process holds it now. Tries once, never waits. */
  acquire(): boolean;
  release(): void;
}

/**
 * A lock on a file, by an exclusive SQLite transaction that is never committed: the operating system gives it back
 * when the process dies, so there is no stale lock to break and no process id to trust.
 */
export function createFileLock(file: string): Lock {
  let held: DatabaseSync | null = null;
  return {
    acquire() {
      if (held !== null) return true;
      let database: DatabaseSync | null = null;
      try {
        database = new DatabaseSync(file, { timeout: 0 });
        database.exec('BEGIN EXCLUSIVE');
        held = database;
        return true;
      } catch {
        // Busy: another process has it. An unusable home shows itself at the store, with a better message.
        database?.close();
        return false;
      }
    },
    release() {
      held?.close();
      held = null;
    },
  };
}

/** A lock for a store that no other process can open. */
export const noLock: Lock = { acquire: () => true, release: () => undefined };
