import assert from 'node:assert/strict';
import type { Store } from '../core/store.ts';
import { importAll, sealOf } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, worldStartMs, type RunBuilder } from './world.ts';

const weekMs = 7 * 24 * 3600 * 1000;

async function remaining(store: Store): Promise<string[]> {
  return (await store.listRuns('default', { includeDryRun: true }, { limit: 500 })).items
    .map((run) => run.id)
    .reverse();
}

const contentIds = (run: RunBuilder): string[] =>
  run.entries.flatMap((entry) => entry.contents.map((content) => content.id));

/** Purge: what goes, what stays, and the contents that go with the last who needs them. */
export function describePurge({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('purge', () => {
    it(
      'drops runs started before a moment, oldest first, in batches',
      withStore(async (store) => {
        const world = createWorld();
        const runs = Array.from({ length: 10 }, (_, index) =>
          world
            .run({ timeMs: worldStartMs + index, dryRun: index === 1 })
            .step()
            .end(),
        );
        await importAll(store, ...runs);
        const ids = runs.map((run) => run.id);
        const purge = (limit: number) => store.purge({ projectId: 'default', beforeMs: worldStartMs + 6, limit });
        assert.equal(await purge(4), 4);
        assert.deepEqual(await remaining(store), ids.slice(4));
        assert.equal(await purge(4), 2);
        assert.deepEqual(await remaining(store), ids.slice(6));
        assert.equal(await purge(4), 0);
        assert.equal(await purge(0), 0);
        assert.equal(await store.purge({ projectId: 'other', beforeMs: Number.MAX_SAFE_INTEGER, limit: 9 }), 0);
        await assert.rejects(store.getRun('default', ids[0]!), { code: 'run-not-found' });
      }),
    );

    it(
      'keeps pinned runs and those that a live writer holds',
      withStore(async (store) => {
        const world = createWorld();
        const [pinned, live, dead, ended] = [world.run().end(), world.run(), world.run(), world.run().end()];
        await importAll(store, pinned, live, dead, ended);
        const pin = {
          id: 'p',
          runId: pinned.id,
          stepId: null,
          kind: 'pin',
          name: null,
          value: null,
          author: null,
          createdAtMs: 1,
          updatedAtMs: 1,
        } as const;
        await store.putAnnotation('default', pin);
        const asked: string[] = [];
        const isLive = (runId: string): boolean => {
          asked.push(runId);
          return runId === live.id;
        };
        const options = { projectId: 'default', beforeMs: worldStartMs + weekMs, limit: 10, isLive };
        assert.equal(await store.purge(options), 2);
        assert.deepEqual(await remaining(store), [pinned.id, live.id]);
        assert.deepEqual(asked.sort(), [live.id, dead.id].sort());
        assert.equal(await store.purge({ ...options, isLive: () => false, isKept: (id) => id === live.id }), 0);
        await store.deleteAnnotation('default', 'p');
        assert.equal(await store.purge({ ...options, limit: 1 }), 1);
        assert.deepEqual(await remaining(store), [live.id]);
      }),
    );

    it(
      'drops all that is theirs and keeps the seals',
      withStore(async (store) => {
        const world = createWorld();
        const run = world
          .run({ labels: { a: 'b' } })
          .step({ messages: ['walrus'], output: ['walrus'], body: 'walrus' })
          .step({ kind: 'tool', status: 'error', error: errorOf('walrus') })
          .end('error', { error: errorOf('walrus') });
        await importAll(store, run);
        const seal = await sealOf(store, run.id, 1);
        await store.appendSeals('default', [seal]);
        await store.putAnnotation('default', {
          id: 'n',
          runId: run.id,
          stepId: null,
          kind: 'note',
          name: null,
          value: 'walrus',
          author: null,
          createdAtMs: 1,
          updatedAtMs: 1,
        });
        assert.ok((await store.search('default', 'walrus')).length >= 4);
        assert.equal(await store.purge({ projectId: 'default', beforeMs: worldStartMs + weekMs, limit: 10 }), 1);
        assert.deepEqual(await store.search('default', 'walrus'), []);
        assert.deepEqual(await store.listAnnotations('default', run.id), []);
        assert.deepEqual(await store.listSeals('default', run.id), [seal]);
        assert.deepEqual(await store.lastSeal('default'), seal);
        assert.deepEqual(await store.totals('default', { by: 'model' }), []);
        assert.equal(await store.countRuns('default', { labels: { a: 'b' } }), 0);
      }),
    );

    it(
      'takes a purged run in again as new',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ messages: ['again'], output: ['and again'] })
          .end();
        await importAll(store, run);
        const before = await store.listSteps('default', run.id);
        await store.purge({ projectId: 'default', beforeMs: worldStartMs + weekMs, limit: 10 });
        await store.importBatch({ projectId: 'default', entries: run.entries, position: null });
        assert.deepEqual(await store.listSteps('default', run.id), before);
        assert.equal((await store.search('default', 'again')).length, 2);
      }),
    );

    it(
      'keeps contents that runs of the epoch still need',
      withStore(async (store) => {
        const world = createWorld();
        const old = world
          .run({ timeMs: worldStartMs })
          .step({ messages: ['system', 'old question'], output: ['old answer'] })
          .end();
        const young = world
          .run({ timeMs: worldStartMs + 10 })
          .step({ messages: ['system', 'young question'], output: ['old answer'] })
          .end();
        await importAll(store, old, young);
        const [system, question, answer] = contentIds(old);
        await store.purge({ projectId: 'default', beforeMs: worldStartMs + 5, limit: 10 });
        const all = [system!, question!, answer!];
        assert.equal(
          (await store.readContents('default', young.id, all)).length,
          3,
          'the week is not over: recorders may still name what they know',
        );
        const { contextNodeId } = await store.getStep('default', young.id, 1);
        const pin = {
          id: 'p',
          runId: young.id,
          stepId: null,
          kind: 'pin',
          name: null,
          value: null,
          author: null,
          createdAtMs: 1,
          updatedAtMs: 1,
        } as const;
        await store.putAnnotation('default', pin);
        await store.purge({ projectId: 'default', beforeMs: worldStartMs + weekMs, limit: 10 });
        assert.deepEqual(
          (await store.readContents('default', young.id, all)).map(({ id }) => id).sort(),
          [system!, answer!].sort(),
        );
        assert.equal((await store.readContext('default', young.id, contextNodeId!)).length, 2);
        assert.deepEqual(
          (await store.search('default', 'question')).map((hit) => hit.runId),
          [young.id],
        );
      }),
    );

    it(
      'drops runs by their last write where asked to, and only dry runs where asked to',
      withStore(async (store) => {
        const world = createWorld();
        const old = world.run({ timeMs: worldStartMs }).end();
        const dry = world.run({ timeMs: worldStartMs + 1, dryRun: true }).end();
        const busy = world.run({ timeMs: worldStartMs + 2 });
        for (let n = 0; n < 50; n += 1) busy.emit('log', { payload: { type: 'still' } });
        busy.end();
        await importAll(store, old, dry, busy);
        const options = { projectId: 'default', beforeMs: worldStartMs + 40, limit: 10 } as const;
        assert.equal(await store.purge({ ...options, clock: 'write', dryRunsOnly: true }), 1);
        assert.deepEqual(await remaining(store), [old.id, busy.id]);
        assert.equal(await store.purge({ ...options, clock: 'write' }), 1);
        assert.deepEqual(await remaining(store), [busy.id]);
        assert.equal(await store.purge({ ...options, clock: 'write' }), 0);
        assert.equal(await store.purge(options), 1);
        assert.deepEqual(await remaining(store), []);
      }),
    );

    it(
      'drops contents of the present week too once every recorder has forgotten them',
      withStore(async (store) => {
        const world = createWorld();
        const gone = world
          .run()
          .step({ messages: ['shared', 'only here'] })
          .end();
        const open = world.run().step({ messages: ['shared'] });
        await importAll(store, gone, open);
        const options = {
          projectId: 'default',
          beforeMs: worldStartMs + 5000,
          limit: 10,
          isLive: (id: string) => id === open.id,
        } as const;
        await store.purge(options);
        assert.equal((await store.readContents('default', open.id, contentIds(gone))).length, 2);
        await store.purge({ ...options, isForgotten: true });
        assert.deepEqual(
          (await store.readContents('default', open.id, contentIds(gone))).map(({ id }) => id),
          [contentIds(gone)[0]],
        );
      }),
    );

    it(
      'waits for open runs of an epoch before it drops contents',
      withStore(async (store) => {
        const world = createWorld();
        const old = world
          .run()
          .step({ messages: ['known to the recorder'] })
          .end();
        const open = world.run();
        await importAll(store, old, open);
        const purge = () =>
          store.purge({
            projectId: 'default',
            beforeMs: worldStartMs + weekMs,
            limit: 10,
            isLive: (id) => id === open.id,
          });
        await purge();
        await importAll(store, open.step({ messages: ['known to the recorder'] }));
        const { contextNodeId } = await store.getStep('default', open.id, 1);
        assert.equal((await store.readContext('default', open.id, contextNodeId!)).length, 1);
      }),
    );
  });
}
