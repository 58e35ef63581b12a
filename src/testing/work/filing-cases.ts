import assert from 'node:assert/strict';
import { toEnd } from '../../core/work/transition.ts';
import { createWorld, toBatch } from '../world.ts';
import type { WorkContext } from './work-suite.ts';
import { memoOf, until } from './work-world.ts';

/** What changes come into the views in order, and go with the record. */
export function describeFiling({ api: { describe, it }, withWork }: WorkContext): void {
  describe('filing and going', () => {
    it(
      'shows in the views what was changed before it was asked to file, the same as a rebuild does (I11)',
      withWork(async (world) => {
        const ids = await world.create(30, { input: { words: 'walrus' }, labels: { a: 'b' } });
        await world.work.file('default', ids[3]);
        assert.equal((await world.store.getRun('default', ids[3]!)).status, 'pending');
        const claimed = await world.claim({ limit: 20 });
        const changes = await Promise.all(claimed.slice(0, 10).map(({ row }) => world.end(row)));
        await world.work.change('default', changes);
        await world.work.file('default');
        for (const [at, id] of ids.entries()) {
          const run = await world.store.getRun('default', id);
          assert.equal(run.status, at < 10 ? 'completed' : at < 20 ? 'running' : 'pending');
          assert.equal(run.work!.workerId, at < 20 ? 'worker' : null);
          assert.equal(run.work!.attempts, at < 20 ? 1 : 0);
          const seqs = (await world.store.listEvents('default', id)).map(({ seq }) => seq);
          assert.deepEqual(seqs, at < 10 ? [1, 2, 3] : at < 20 ? [1, 2] : [1]);
          assert.deepEqual(await world.store.rebuildRun('default', id), []);
        }
        assert.equal(await world.work.file('default'), false);
        assert.equal(await world.work.file('nobody'), false);
      }),
    );

    it(
      'files by itself, soon',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        await world.claim();
        await until(async () => {
          const found = await world.store.findRunIds('default', runId!, 1);
          return found.length > 0 && (await world.store.getRun('default', runId!)).status === 'running';
        });
      }),
    );

    it(
      'files what waits of a run before an import that touches it',
      withWork(async (world) => {
        const creation = await world.creation({});
        await world.work.create('default', [creation]);
        const [claimed] = await world.claim();
        const [late] = world.toChange(claimed!.row, toEnd(claimed!.row, { endReason: 'ok', nowMs: 1 })).entries;
        await world.store.importBatch(toBatch([late!]));
        const events = await world.store.listEvents('default', creation.row.runId);
        assert.deepEqual(
          events.map(({ header }) => header.type),
          ['run-create', 'run-start', 'run-end'],
        );
        // What is told twice is kept once.
        await world.store.importBatch(toBatch([...creation.entries, late!]));
        await world.work.file('default');
        assert.equal((await world.store.listEvents('default', creation.row.runId)).length, 3);
      }),
    );

    it(
      'keeps the order of a run whoever files it at the same time',
      withWork(async (world) => {
        const ids = await world.create(20);
        const files = [world.work.file('default'), world.work.file('default')];
        const claimed = await world.claim({ limit: 20 });
        files.push(world.work.file('default'), world.work.file('default', ids[0]));
        await world.work.change('default', await Promise.all(claimed.map(({ row }) => world.end(row))));
        files.push(world.work.file('default'), world.work.file('default'));
        await Promise.all(files);
        await world.work.file('default');
        for (const id of ids) {
          const events = await world.store.listEvents('default', id);
          assert.deepEqual(
            events.map(({ seq, header }) => `${seq} ${header.type}`),
            ['1 run-create', '2 run-start', '3 run-end'],
          );
        }
      }),
    );

    it(
      'has the contents that a change brings in the store at once, made or not: other runs name them (I11)',
      withWork(async (world) => {
        const told = { messages: [{ role: 'user', content: 'Where is the walrus?' }], output: 'On the ice.' };
        const built = createWorld();
        const one = built.run().step(told).end('ok', { output: 'On the ice.' });
        const two = built.run().step(told).end('ok', { output: 'On the ice.' });
        assert.ok(two.entries.every(({ contents, nodes }) => contents.length + nodes.length === 0));
        await world.create(1);
        const [claimed] = await world.claim();
        const end = await world.end(claimed!.row);
        const lost = { ...end, expected: { ...end.expected, leaseEpoch: 9 } };
        assert.deepEqual(await world.work.change('default', [{ ...lost, brought: one.entries }]), [false]);
        await world.store.importBatch(toBatch(two.take()));
        assert.ok((await world.store.listSteps('default', two.id))[0]!.preview?.includes('On the ice.'));
        assert.deepEqual(await world.store.rebuildRun('default', two.id), []);
        await world.store.importBatch(toBatch(one.take()));
        assert.deepEqual(await world.store.rebuildRun('default', one.id), []);
        await until(async () => (await world.store.search('default', 'walrus')).length > 0);
      }),
    );

    it(
      'purges no run that has not ended, and takes what is left of one that has, its key with it',
      withWork(async (world) => {
        const first = await world.creation({ idempotencyKey: 'k', isRedrivable: true });
        await world.work.create('default', [first]);
        const [claimed] = await world.claim();
        const [open] = await world.create(1);
        await world.work.file('default');
        const beforeMs = (await world.work.nowMs()) + 1000;
        assert.equal(await world.store.purge({ projectId: 'default', beforeMs, limit: 10 }), 0);
        const end = { ...(await world.end(claimed!.row, 'error')), memos: [memoOf(first.row.runId)] };
        await world.work.change('default', [end]);
        await world.work.file('default');
        assert.equal(await world.store.purge({ projectId: 'default', beforeMs, limit: 10 }), 1);
        assert.equal(await world.work.get('default', first.row.runId), null);
        assert.deepEqual(await world.work.listMemos('default', first.row.runId), []);
        assert.equal(await world.work.readOrder('default', first.row.runId), null);
        assert.notEqual(await world.work.get('default', open!), null);
        const again = await world.creation({ idempotencyKey: 'k' });
        assert.equal((await world.work.create('default', [again]))[0]!.duplicate, false);
      }),
    );

    it(
      'erases what rests word for word of an ended run, and what waits to be filed',
      withWork(async (world) => {
        const [runId] = await world.create(1, { isRedrivable: true, name: 'walrus', input: { words: 'walrus' } });
        const [claimed] = await world.claim();
        const end = { ...(await world.end(claimed!.row, 'error')), memos: [memoOf(runId!)] };
        await world.work.change('default', [end]);
        await world.store.eraseRun('default', runId!);
        assert.equal(await world.work.readOrder('default', runId!), null);
        assert.deepEqual(await world.work.listMemos('default', runId!), []);
        await world.work.file('default');
        const events = await world.store.listEvents('default', runId!);
        assert.equal(events.length, 3);
        assert.ok(events.every(({ payload }) => payload === null));
        assert.deepEqual(await world.store.rebuildRun('default', runId!), []);
      }),
    );
  });
}
