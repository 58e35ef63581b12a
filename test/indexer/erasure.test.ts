import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createArchive } from '../../src/cli/archive.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { RunRecorder } from '../../src/core/record/recording.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import type { Archive } from '../../src/indexer/index.ts';
import { createIndexer, noLock } from '../../src/indexer/index.ts';
import { openSealHeads, readOrCreateKey } from '../../src/journal/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome, filesWith } from './home.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

/** Erases a run by an indexer whose archive is `archiveOf` the real one, and closes everything. */
async function eraseWith(run: RunRecorder, archiveOf: (archive: Archive) => Archive): Promise<void> {
  const store = openSqliteStore({ file: join(place.home, 'tachograph.db') });
  await store.initialize();
  const indexer = createIndexer({
    store,
    archive: archiveOf(createArchive(place.home)),
    lock: noLock,
    redactor: createRedactor({ key: new Uint8Array(32) }),
    signerOf: (project) => createSealSigner(readOrCreateKey(place.home, `${project}.seal`, 32)),
    sealHeads: openSealHeads(place.home),
  });
  await indexer.catchUp();
  await indexer.eraseRun('default', run.id);
  await indexer.close();
  await store.close();
}

it.each(['before', 'after'])('what is recorded %s the journals are erased raises no alarm (I6)', async (when) => {
  const recorder = place.recorder();
  const run = recorder.startRun({ agentId: 'agent', inputs: 'quicksilver' });
  run.close({ endReason: 'ok', output: 'quicksilver' });
  await eraseWith(run, (archive) => ({
    ...archive,
    eraseRuns(projectId, runs) {
      if (when === 'before') run.log('late', { word: 'quicksilver' });
      archive.eraseRuns(projectId, runs);
      if (when === 'after') run.log('late', { word: 'nightingale' });
    },
  }));
  expect(filesWith(place.home, 'quicksilver')).toEqual([]);
  const home = await openTachograph({ home: place.home });
  await home.indexer.catchUp();
  expect((await home.verify(run.id)).intact).toMatchObject({ verdict: 'intact', erased: when === 'before' ? 3 : 2 });
  const events = await home.store.listEvents('default', run.id);
  expect(events.filter(({ header }) => header.type === 'content-erase').map(({ header }) => header.facts)).toEqual([
    expect.stringContaining('"scope":"run"'),
  ]);
  // What came after the erasure is still bound, word for word.
  expect(events.some(({ payload }) => payload?.includes('nightingale'))).toBe(when === 'after');
  // A second erasure takes the words of the first one's tombstone, never its numbers.
  await home.indexer.eraseRun('default', run.id);
  const again = await home.store.listEvents('default', run.id);
  expect(again.find(({ header }) => header.type === 'content-erase')).toMatchObject({ payload: null });
  expect(again.find(({ header }) => header.type === 'content-erase')?.header.facts).toContain('"events":2');
  expect((await home.verify(run.id)).intact.verdict).toBe('intact');
  await home.close();
  await recorder.close();
});
