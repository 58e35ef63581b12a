import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { aptGet, canInstall } from './apt.ts';

/** Path of a PgBouncer on this machine, or null. `TACHOGRAPH_PGBOUNCER` names one that stands elsewhere. */
export function findPooler(): string | null {
  const named = process.env.TACHOGRAPH_PGBOUNCER;
  if (named !== undefined && named !== '') return existsSync(named) ? named : null;
  // Debian puts it where only root looks.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return (
    folders
      .filter((folder) => folder !== '')
      .map((folder) => join(folder, 'pgbouncer'))
      .find((file) => existsSync(file)) ?? null
  );
}

/** Finds a PgBouncer, or installs one where that is possible without asking; answers its path or null, and says what it did. */
export function providePooler(): string | null {
  const found = findPooler();
  if (found !== null) return found;
  if (!canInstall()) return null;
  console.log('test: no PgBouncer here, installing it with apt-get');
  aptGet(['update', '-qq']);
  return aptGet(['install', '-y', '-qq', '--no-install-recommends', 'pgbouncer']) ? findPooler() : null;
}
