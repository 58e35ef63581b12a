import process from 'node:process';
import { createRedactor } from '../../src/core/redact/create.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import type { Store } from '../../src/core/store.ts';
import { createArchive } from '../../src/cli/archive.ts';
import { createFileLock, createIndexer } from '../../src/indexer/index.ts';
import { openHome, openSealHeads, readOrCreateKey } from '../../src/journal/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import { join } from 'node:path';

/** Where the process stops for ever and says so, to be killed there. */
export const places = [
  'before-seal',
  'before-sync',
  'before-head',
  'before-erasing',
  'before-journals',
  'before-tombstone',
] as const;

/** One of the places. */
export type VictimPlace = (typeof places)[number];

const [home = '', place = '', erasedRun = ''] = process.argv.slice(2);

const stop = async (): Promise<never> => {
  process.stdout.write('here');
  return new Promise(() => setInterval(() => undefined, 1000));
};

function holdStore(store: Store): Store {
  return {
    ...store,
    appendSeals: (projectId, seals) => (place === 'before-seal' ? stop() : store.appendSeals(projectId, seals)),
    sync: () => (place === 'before-sync' ? stop() : store.sync()),
    eraseRun: (projectId, runId, part) =>
      place === 'before-erasing' ? stop() : store.eraseRun(projectId, runId, part),
  };
}

/** An indexer as the command line puts it together, which stops at one place of its work. */
async function work(): Promise<void> {
  openHome(home);
  const store = openSqliteStore({ file: join(home, 'tachograph.db') });
  await store.initialize();
  const heads = openSealHeads(home);
  const archive = createArchive(home);
  const stopNow = (): never => {
    process.stdout.write('here');
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  };
  let isErased = false;
  const indexer = createIndexer({
    store: holdStore(store),
    archive: {
      ...archive,
      eraseRuns: (projectId, runs) => {
        if (place === 'before-journals') stopNow();
        archive.eraseRuns(projectId, runs);
        isErased = true;
      },
      list: () => (isErased && place === 'before-tombstone' ? stopNow() : archive.list()),
    },
    lock: createFileLock(join(home, 'indexer.lock')),
    redactor: createRedactor({ key: readOrCreateKey(home, 'default.content', 32) }),
    signerOf: (project) => createSealSigner(readOrCreateKey(home, `${project}.seal`, 32)),
    sealHeads: {
      read: heads.read,
      write: (project, head) => (place === 'before-head' ? stopNow() : heads.write(project, head)),
    },
  });
  await indexer.catchUp();
  if (erasedRun !== '') await indexer.eraseRun('default', erasedRun);
  process.exit(3);
}

if (process.argv[1]?.endsWith('seal-victim.ts') === true) await work();
