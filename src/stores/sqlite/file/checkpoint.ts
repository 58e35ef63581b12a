import { setImmediate } from 'node:timers/promises';
import type { Database } from '../database.ts';

/** Pages in the log at which a commit writes them back. */
export const checkpointPages = 2000;

const sliceCheckpointPages = 500;

/** Pages in the log that are not written back. An SQLite older than 3.51 does not know the question and writes them back. */
function waitingPages(db: Database): number {
  const { log, checkpointed } = db.get('PRAGMA wal_checkpoint(NOOP)') as { log: number; checkpointed: number };
  return log - checkpointed;
}

/**
 * Does work in slices. Between two of them it gives way to others, and once some pages wait in the log it writes them back
 * in a turn of its own: what the end of an epoch frees is overwritten, up to 1,000 pages a slice, and a commit that also
 * wrote back 2,000 of them took 71 to 157 ms; a turn for 1,000 takes 18 (2026-11-21). `isOpen` says whether the database
 * may still be used.
 */
export async function workInSlices<T>(
  db: Database,
  isOpen: () => boolean,
  work: (pause: () => Promise<void>) => Promise<T>,
): Promise<T> {
  db.exec('PRAGMA wal_autocheckpoint = 0');
  try {
    return await work(async () => {
      await setImmediate();
      if (!isOpen() || waitingPages(db) < sliceCheckpointPages) return;
      db.get('PRAGMA wal_checkpoint(PASSIVE)');
      await setImmediate();
    });
  } finally {
    if (isOpen()) db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  }
}
