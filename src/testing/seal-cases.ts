import assert from 'node:assert/strict';
import type { Store } from '../core/store.ts';
import { importAll, sealOf } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, toBatch } from './world.ts';

const dueIds = async (store: Store, limit = 10): Promise<string[]> =>
  (await store.listSealDue(limit)).map(({ runId }) => runId);

/** Seals: kept once, counted, and every run that ended waits for one until it has it. */
export function describeSeals({ api: { describe, it }, withStore, reopen }: SuiteContext): void {
  describe('seals', () => {
    it(
      'keeps an ended run on the list of those that wait until a seal covers all of it',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run().step();
        const other = world.run().end();
        await importAll(store, run);
        assert.deepEqual(await store.listSealDue(10), []);
        await importAll(store, run.end(), other);
        assert.deepEqual(await store.listSealDue(10), [
          { projectId: 'default', runId: run.id },
          { projectId: 'default', runId: other.id },
        ]);
        assert.deepEqual(await dueIds(store, 1), [run.id]);
        assert.deepEqual(await dueIds(store, 0), []);
        const early = await sealOf(store, run.id, 1);
        await importAll(store, run.emit('log', { payload: { type: 'late' } }));
        await store.appendSeal(early);
        assert.deepEqual(await dueIds(store), [run.id, other.id]);
        await store.appendSeal(await sealOf(store, run.id, 2));
        assert.deepEqual(await dueIds(store), [other.id]);
        await importAll(store, run.emit('log', { payload: { type: 'later' } }));
        assert.deepEqual(await dueIds(store), [run.id, other.id]);
      }),
    );

    it(
      'takes a run off the list without a seal when told to, until its next event',
      withStore(async (store) => {
        const run = createWorld().run().end();
        await importAll(store, run);
        await store.forgetSealDue('default', run.id);
        await store.forgetSealDue('default', run.id);
        await store.forgetSealDue('nowhere', run.id);
        assert.deepEqual(await dueIds(store), []);
        await importAll(store, run.emit('log', { payload: { type: 'late' } }));
        assert.deepEqual(await dueIds(store), [run.id]);
      }),
    );

    it(
      'forgets a purged run, and keeps its seals and their count',
      withStore(async (store) => {
        const run = createWorld().run().end();
        await importAll(store, run);
        assert.deepEqual(await store.sealLedger('default'), { count: 0, newest: null });
        const seals = [await sealOf(store, run.id, 1), await sealOf(store, run.id, 2)];
        for (const seal of seals) await store.appendSeal(seal);
        await importAll(store, run.emit('log', { payload: { type: 'late' } }));
        assert.equal(await store.purge({ projectId: 'default', beforeMs: Date.UTC(2030, 0), limit: 10 }), 1);
        assert.deepEqual(await store.listSealDue(10), []);
        assert.deepEqual(await store.sealLedger('default'), { count: 2, newest: seals[1] });
        assert.deepEqual(await store.sealLedger('other'), { count: 0, newest: null });
      }),
    );

    it(
      'survives a sync at any time',
      withStore(async (store) => {
        await store.sync();
        const run = createWorld().run().end();
        await importAll(store, run);
        await store.sync();
        assert.deepEqual(await dueIds(store), [run.id]);
      }),
    );

    if (reopen !== null) {
      it(
        'still knows after a reopening which runs wait',
        withStore(async (store) => {
          const run = createWorld().run().end();
          await store.importBatch(toBatch(run.entries));
          const again = await reopen(store);
          await again.initialize();
          assert.deepEqual(await again.listSealDue(10), [{ projectId: 'default', runId: run.id }]);
          assert.deepEqual((await again.importBatch(toBatch(run.entries))).runsToSeal, []);
          await again.close();
        }),
      );
    }
  });
}
