import { join } from 'node:path';
import type { Prices } from '../core/cost/prices.ts';
import { TachographError } from '../core/error.ts';
import type { Store } from '../core/store.ts';
import { createPostgresStore } from '../stores/postgres/index.ts';
import { openSqliteStore } from '../stores/sqlite/index.ts';

/** The name of the embedded store's file in a home. */
export const storeName = 'tachograph.db';

/** The database that commands were pointed at: `--database`, else TACHOGRAPH_DATABASE_URL; `null` for the home's own file. */
export function chooseDatabase(
  given: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): string | null {
  const url = given ?? variables['TACHOGRAPH_DATABASE_URL'] ?? '';
  if (url === '') return null;
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return url;
  throw new TachographError(
    'bad-argument',
    'The database is no address that begins with postgres://; it may hold a password, so it is not shown here.',
  );
}

/** The store of a home, not initialized: in PostgreSQL when a database is named, else in the home's own file. */
export function createStore(of: { home: string; database: string | null; prices: Prices }): Store {
  const { home, database, prices } = of;
  return database === null
    ? openSqliteStore({ file: join(home, storeName), prices })
    : createPostgresStore({ url: database, prices });
}
