import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createArchive } from '../../src/cli/archive.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { RunRecorder } from '../../src/core/record/recording.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import type { Store } from '../../src/core/store.ts';
import type { Archive, Indexer } from '../../src/indexer/index.ts';
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

/** Works with an indexer whose archive and store are made from the real ones, and closes everything. */
async function withIndexer(
  work: (indexer: Indexer) => Promise<unknown>,
  of: { readonly archive?: (archive: Archive) => Archive; readonly store?: (store: Store) => Store },
): Promise<void> {
  const store = openSqliteStore({ file: join(place.home, 'tachograph.db') });
  await store.initialize();
  const indexer = createIndexer({
    store: of.store?.(store) ?? store,
    archive: of.archive?.(createArchive(place.home)) ?? createArchive(place.home),
    lock: noLock,
    redactor: createRedactor({ key: new Uint8Array(32) }),
    signerOf: (project) => createSealSigner(readOrCreateKey(place.home, `${project}.seal`, 32)),
    sealHeads: openSealHeads(place.home),
  });
  await indexer.catchUp();
  await work(indexer);
  await indexer.close();
  await store.close();
}

const eraseWith = (run: RunRecorder, archive: (archive: Archive) => Archive): Promise<void> =>
  withIndexer((indexer) => indexer.eraseRun('default', run.id), { archive });

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

it('an erasure by caller that dies before the store can be asked for again, since the store still knows whose they are', async () => {
  const recorder = place.recorder();
  const run = recorder.startRun({ agentId: 'agent', callerId: 'ada', inputs: 'quicksilver' });
  run.close({ endReason: 'ok', output: 'quicksilver' });
  const subject = { kind: 'caller', callerId: 'ada' } as const;
  await withIndexer(
    async (indexer) => {
      await expect(indexer.eraseSubject('default', subject)).rejects.toThrow('gone');
    },
    { store: (store) => ({ ...store, eraseRun: () => Promise.reject(new Error('gone')) }) },
  );
  await withIndexer(async (indexer) => {
    expect(await indexer.eraseSubject('default', subject)).toMatchObject({ runs: 1, openRunIds: [] });
  }, {});
  expect(filesWith(place.home, 'quicksilver')).toEqual([]);
  const home = await openTachograph({ home: place.home });
  await home.indexer.catchUp();
  expect((await home.verify(run.id)).intact.verdict).toBe('intact');
  await home.close();
  await recorder.close();
});

it.each([
  ['before an erasure goes with it when it comes later', 'before'],
  ['after an erasure stays: the check can fail', 'after'],
])('what a recorder elsewhere says %s', async (_title, when) => {
  const far = createTemporaryHome();
  const recorder = far.recorder();
  const run = recorder.startRun({ agentId: 'agent', inputs: 'nightingale' });
  run.close({ endReason: 'ok' });
  const send = (): void => cpSync(join(far.home, 'journal'), join(place.home, 'journal'), { recursive: true });
  const home = await openTachograph({ home: place.home });
  send();
  await home.indexer.catchUp();
  // Captured at another millisecond than the one in which the erasure is asked for.
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  if (when === 'before') run.log('late', { word: 'quicksilver' });
  await pause();
  await home.indexer.eraseRun('default', run.id);
  if (when === 'after') run.log('late', { word: 'quicksilver' });
  send();
  await home.indexer.catchUp();
  const events = await home.store.listEvents('default', run.id);
  expect(events.some(({ payload }) => payload?.includes('quicksilver'))).toBe(when === 'after');
  expect(events.filter(({ header }) => header.type === 'content-erase')).toHaveLength(when === 'after' ? 1 : 2);
  expect((await home.verify(run.id)).intact.verdict).toBe('intact');
  expect(await home.store.listSealDue(10)).toEqual([]);
  if (when === 'before') expect(filesWith(place.home, 'quicksilver')).toEqual([]);
  await home.close();
  await recorder.close();
  far.remove();
});
