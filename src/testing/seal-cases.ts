import assert from 'node:assert/strict';
import type { Seal } from '../core/record/seal.ts';
import type { Store } from '../core/store.ts';
import { importAll, sealOf } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, type RunBuilder, toBatch } from './world.ts';

const late = { payload: { type: 'late' } };

/** Ended runs that are stored and not sealed. */
async function storeEnded(store: Store, count: number): Promise<RunBuilder[]> {
  const world = createWorld();
  const runs = Array.from({ length: count }, () => world.run().step().end());
  await importAll(store, ...runs);
  return runs;
}

const sealsOf = async (store: Store, runs: readonly RunBuilder[], from: number): Promise<Seal[]> =>
  Promise.all(runs.map((run, index) => sealOf(store, run.id, from + index)));

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
        await store.appendSeals('default', [early]);
        assert.deepEqual(await dueIds(store), [run.id, other.id]);
        await store.appendSeals('default', [await sealOf(store, run.id, 2)]);
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
      'takes a run off the list that has not moved since it was seen, and no other',
      withStore(async (store) => {
        const [run] = await storeEnded(store, 1);
        const seen = await store.listWriters('default', run!.id);
        await importAll(store, run!.emit('log', late));
        await store.forgetSealDue('default', run!.id, seen);
        assert.deepEqual(await dueIds(store), [run!.id]);
        await importAll(store, run!.writer('b'.repeat(16)).emit('log', late));
        const before = await store.listWriters('default', run!.id);
        await store.forgetSealDue('default', run!.id, before.slice(0, 1));
        assert.deepEqual(await dueIds(store), [run!.id]);
        await store.forgetSealDue('default', run!.id, before);
        assert.deepEqual(await dueIds(store), []);
        await store.forgetSealDue('nowhere', run!.id, before);
      }),
    );

    it(
      'keeps a group of seals, of runs with seals before and without, and each run whose seal covers it leaves the list',
      withStore(async (store) => {
        const runs = await storeEnded(store, 4);
        const [first, second, third] = runs as [RunBuilder, RunBuilder, RunBuilder];
        await store.appendSeals('default', await sealsOf(store, [first, second], 1));
        await importAll(store, first.emit('log', late));
        const group = await sealsOf(store, [first, third, runs[3]!], 3);
        await importAll(store, third.emit('log', late));
        await store.appendSeals('default', group);
        assert.deepEqual((await store.listSeals('default')).slice(2), group);
        assert.equal((await store.listSeals('default', first.id)).length, 2);
        assert.deepEqual(await dueIds(store), [third.id]);
        await store.appendSeals('default', []);
        assert.equal((await store.sealLedger('default')).count, 5);
      }),
    );

    it(
      'keeps nothing of a group in which one number is taken by another seal, and no run leaves the list',
      withStore(async (store) => {
        const runs = await storeEnded(store, 3);
        const [own] = await sealsOf(store, [runs[1]!], 2);
        await store.appendSeals('default', [own!]);
        await importAll(store, runs[1]!.emit('log', late));
        const before = await dueIds(store);
        const group = await sealsOf(store, runs, 1);
        await assert.rejects(store.appendSeals('default', group), { code: 'end-conflict' });
        assert.deepEqual(await store.listSeals('default'), [own]);
        assert.deepEqual(await dueIds(store), before);
        // Its number in another project is free.
        await store.appendSeals('other', [{ ...own!, projectId: 'other' }]);
        assert.equal((await store.sealLedger('other')).count, 1);
        assert.deepEqual(await store.listSeals('default'), [own]);
      }),
    );

    it(
      'takes the same group twice for one, and two groups at once for one or a conflict',
      withStore(async (store) => {
        const runs = await storeEnded(store, 6);
        const group = await sealsOf(store, runs.slice(0, 3), 1);
        await Promise.all([store.appendSeals('default', group), store.appendSeals('default', group)]);
        await store.appendSeals('default', group);
        assert.deepEqual(await store.listSeals('default'), group);
        const more = await sealsOf(store, runs.slice(3), 4);
        await store.appendSeals('default', [group[2]!, more[0]!]);
        const others = more.slice(1).map((seal) => ({ ...seal, timeMs: 2 }));
        const ends = await Promise.allSettled([
          store.appendSeals('default', more.slice(1)),
          store.appendSeals('default', others),
        ]);
        assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
        const kept = ends[0]!.status === 'fulfilled' ? more.slice(1) : others;
        assert.deepEqual(await store.listSeals('default'), [...group, more[0]!, ...kept]);
        assert.deepEqual(await dueIds(store), []);
      }),
    );

    it(
      'tells of runs that are to be sealed their newest seals and their writers, and which seal is the last',
      withStore(async (store) => {
        const runs = await storeEnded(store, 3);
        const [first, second, third] = runs as [RunBuilder, RunBuilder, RunBuilder];
        assert.deepEqual(await store.readSealing('default', []), { last: null, runs: [] });
        await importAll(store, second.writer('b'.repeat(16)).emit('log', late));
        const seals = [...(await sealsOf(store, [first, first, second], 1))];
        await store.appendSeals('default', seals);
        const unknown = createWorld().uuid(1);
        const view = await store.readSealing('default', [second.id, unknown, first.id, third.id]);
        assert.deepEqual(view.last, seals[2]);
        const toRun = async ({ id }: RunBuilder, newest: Seal | null) => ({
          runId: id,
          newest,
          writers: await store.listWriters('default', id),
        });
        assert.deepEqual(view.runs, [
          await toRun(second, seals[2]!),
          await toRun(first, seals[1]!),
          await toRun(third, null),
        ]);
        assert.equal(view.runs[0]!.writers.length, 2);
        assert.deepEqual(await store.readSealing('other', [first.id]), { last: null, runs: [] });
      }),
    );

    it(
      'gives events of several runs, each from a seq of its own on',
      withStore(async (store) => {
        const runs = await storeEnded(store, 3);
        const [first, second, third] = runs as [RunBuilder, RunBuilder, RunBuilder];
        for (let round = 0; round < 12; round += 1) await importAll(store, ...runs.map((run) => run.emit('log', late)));
        const places = [
          { runId: third.id, fromSeq: 3 },
          { runId: first.id, fromSeq: 1 },
          { runId: second.id, fromSeq: 16 },
        ];
        const unknown = { runId: createWorld().uuid(1), fromSeq: 1 };
        const found = await store.listEventsOfRuns('default', [...places, unknown]);
        assert.deepEqual([...found.keys()].sort(), runs.map(({ id }) => id).sort());
        for (const { runId, fromSeq } of places)
          assert.deepEqual(found.get(runId), await store.listEvents('default', runId, { fromSeq }));
        assert.equal(found.get(second.id)!.length, 1);
        const none = [{ runId: second.id, fromSeq: 17 }];
        assert.equal((await store.listEventsOfRuns('default', none)).size, 0);
        assert.equal((await store.listEventsOfRuns('default', [])).size, 0);
        assert.equal((await store.listEventsOfRuns('other', places)).size, 0);
      }),
    );

    it(
      'forgets a purged run, and keeps its seals and their count',
      withStore(async (store) => {
        const run = createWorld().run().end();
        await importAll(store, run);
        assert.deepEqual(await store.sealLedger('default'), { count: 0, newest: null });
        const seals = [await sealOf(store, run.id, 1), await sealOf(store, run.id, 2)];
        await store.appendSeals('default', seals);
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
