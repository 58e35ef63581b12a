import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { describeStore } from '../../testing/index.ts';
import { openSqliteStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
let file = '';

describeStore(
  'sqlite',
  {
    open: () => {
      files += 1;
      file = join(folder, `${files}.db`);
      return openSqliteStore({ file });
    },
    reopen: async (store) => {
      await store.close();
      return openSqliteStore({ file });
    },
  },
  { describe, it },
);
