import { chmodSync, closeSync, openSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { TachographError } from '../../../core/error.ts';
import { toStoreError } from '../database.ts';

/** All pages in one step: in several, a write of another process in between would begin it anew, for ever under load. */
const allPages = 0x7fff_ffff;

function checkCopy(file: string): void {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const [row] = db.prepare('PRAGMA quick_check(1)').all();
    const answer = Object.values(row ?? {})[0];
    if (answer === 'ok') return;
    throw new TachographError(
      'store-broken',
      `The copy ${file} of the store is damaged: ${String(answer)}. Look at the store itself: tachograph doctor.`,
    );
  } finally {
    db.close();
  }
}

/**
 * Copies a store as it is at one moment into a new file, while others read and write it; nobody waits for it. The copy
 * is checked, is whole without any other file, and has mode 0600.
 */
export async function backupSqlite(file: string, target: string): Promise<void> {
  let source: DatabaseSync | null = null;
  try {
    source = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
    closeSync(openSync(target, 'wx', 0o600));
    await backup(source, target, { rate: allPages });
    chmodSync(target, 0o600);
    checkCopy(target);
  } catch (error) {
    throw toStoreError(error, file);
  } finally {
    source?.close();
  }
}
