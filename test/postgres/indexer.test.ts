import { afterEach, beforeEach, describe, expect } from 'vitest';
import { createArchive } from '../../src/cli/archive.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import type { Store } from '../../src/core/store.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import { createIndexer, noLock } from '../../src/indexer/index.ts';
import { openSealHeads, readOrCreateKey } from '../../src/journal/index.ts';
import { createPostgresStore } from '../../src/stores/postgres/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { onPostgres } from './cluster.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

const indexerOf = (store: Store) =>
  createIndexer({
    store,
    archive: createArchive(place.home),
    lock: noLock,
    redactor: createRedactor({ key: new Uint8Array(32) }),
    signerOf: (project) => createSealSigner(readOrCreateKey(place.home, `${project}.seal`, 32)),
    sealHeads: openSealHeads(place.home),
    // While the server is dead every round says so.
    onError: () => undefined,
  });

describe('indexing into PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  it('loses and doubles nothing when the server is killed under it, and seals every run', async () => {
    const { url } = await cluster().createDatabase();
    const store = createPostgresStore({ url, poolMax: 3 });
    await store.initialize();
    const indexer = indexerOf(store);
    indexer.start();
    const recorder = place.recorder();
    const runIds: string[] = [];
    const record = async (): Promise<void> => {
      const run = recorder.startRun({ agentId: 'agent' });
      const messages = [{ role: 'user', content: `question ${runIds.length}` }];
      run.step({ kind: 'model', operation: 'generate', messages }).finish({ status: 'completed', response: 'answer' });
      run.close({ endReason: 'ok' });
      runIds.push(run.id);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    for (let kills = 0; kills < 3; kills += 1) {
      for (let count = 0; count < 20; count += 1) await record();
      await cluster().kill();
      for (let count = 0; count < 10; count += 1) await record();
      await cluster().start();
    }
    const indexed = async (): Promise<boolean> => {
      try {
        await indexer.catchUp();
        return (await store.countRuns('default', { status: ['completed'] })) === runIds.length;
      } catch {
        // The server has only just come back: the next round goes well.
        return false;
      }
    };
    for (let tries = 0; !(await indexed()) && tries < 200; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await store.countRuns('default', {})).toBe(runIds.length);
    for (const id of runIds) {
      const events = await store.listEvents('default', id);
      expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
      expect((await store.listWriters('default', id))[0]).toMatchObject({ n: 4, missing: [] });
      expect(await store.rebuildRun('default', id)).toEqual([]);
    }
    expect(await store.listSealDue(10)).toEqual([]);
    const seals = await store.listSeals('default');
    expect(seals.map(({ number }) => number)).toEqual(seals.map((_seal, index) => index + 1));
    expect(new Set(seals.map(({ runId }) => runId))).toEqual(new Set(runIds));
    await recorder.close();
    await indexer.close();
    await store.close();
  });
});
