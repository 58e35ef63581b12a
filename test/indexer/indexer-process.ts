import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { createArchive } from '../../src/cli/archive.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import type { Store } from '../../src/core/store.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import { createFileLock, createIndexer } from '../../src/indexer/index.ts';
import { openHome, openSealHeads, readOrCreateKey } from '../../src/journal/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';

// An indexer in a process of its own, to be killed. `early` is the negative control: how far a file is imported is
// written in a transaction before the rows.

const [path = '', mode = ''] = process.argv.slice(2);
const home = openHome(path);
const store = openSqliteStore({ file: join(home, 'tachograph.db') });
await store.initialize();

const early: Store = {
  ...store,
  async importBatch(batch) {
    if (batch.position === null) return store.importBatch(batch);
    await store.importBatch({ ...batch, entries: [] });
    await sleep(15);
    return store.importBatch({ ...batch, position: null });
  },
};

createIndexer({
  store: mode === 'early' ? early : store,
  archive: createArchive(home),
  lock: createFileLock(join(home, 'indexer.lock')),
  redactor: createRedactor({ key: readOrCreateKey(home, 'default.content', 32) }),
  signerOf: (project) => createSealSigner(readOrCreateKey(home, `${project}.seal`, 32)),
  sealHeads: openSealHeads(home),
  onError: (error) => void process.stderr.write(`${String(error)}\n`),
}).start();
setInterval(() => undefined, 60_000);
process.stdout.write('ready\n');
