import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { describeStore } from '../../testing/index.ts';
import { openDatabase } from './database.ts';
import { openSqliteStore } from './index.ts';
import { openSqliteStoreFrom } from './store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
let file = '';

const nextFile = (): string => {
  files += 1;
  file = join(folder, `${files}.db`);
  return file;
};

describeStore(
  'sqlite',
  {
    open: (options) => openSqliteStore({ file: nextFile(), ...options }),
    reopen: async (store, options) => {
      await store.close();
      return openSqliteStore({ file, ...options });
    },
  },
  { describe, it },
);

// The same rules for a store whose ended runs are packed, which otherwise happens only after a while.
describeStore(
  'sqlite, packed',
  {
    open: (options) => openSqliteStoreFrom({ open: () => openDatabase(nextFile(), 0), packAfterMs: 0, ...options }),
  },
  { describe, it },
);
