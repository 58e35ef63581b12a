import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toStoreError } from '../database.ts';

/** Bytes that a store holds: its pages without the free ones, nor its log, which is bounded; 0 where there is none. */
export function readSqliteBytes(file: string): number {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return 0;
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: 1000 });
    const read = (name: string): number => Number(Object.values(db!.prepare(`PRAGMA ${name}`).get()!)[0]);
    return (read('page_count') - read('freelist_count')) * read('page_size');
  } catch (error) {
    throw toStoreError(error, file);
  } finally {
    db?.close();
  }
}
