import assert from 'node:assert/strict';
import { eventHash, zeroHash } from '../core/record/chain.ts';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, type RunBuilder, toBatch, usageOf, type World } from './world.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A run with words in every place that can hold them, each containing `secretword`. */
export function buildWordy(world: World, word = 'secretword') {
  return world
    .run({
      agentId: `${word} agent`,
      kind: `${word} kind`,
      callerId: `${word} caller`,
      channelId: `${word} channel`,
      sessionId: `${word} session`,
      endUserId: `${word} user`,
      name: `${word} name`,
      labels: { [`${word} label`]: `${word} value` },
      model: `${word} model`,
    })
    .step({
      name: `${word} step`,
      messages: ['shared system', `${word} question`],
      output: [{ type: 'text', text: `${word} answer ${'x'.repeat(3000)}` }],
      body: { text: `${word} body` },
      usage: usageOf(1, 2),
    })
    .step({ kind: 'tool', name: `${word} tool`, args: { text: `${word} args` }, result: `${word} result` })
    .step({ status: 'error', error: errorOf(`${word} failure`) })
    .emit('log', { payload: { type: `${word} log`, data: `${word} data` } })
    .end('error', { output: `${word} output`, error: errorOf(`${word} end`) });
}

const contentIdsOf = (run: RunBuilder): string[] =>
  run.entries.flatMap((entry) => entry.contents.map((content) => content.id));

/** Erasure and rebuilding: words go, facts and chain stay, views follow from the record (I11). */
export function describeErasure({ api: { describe, it }, withStore, reopen }: SuiteContext): void {
  describe('erasure and rebuilding', () => {
    it(
      'drops the words of a run and leaves no trace of them in any answer',
      withStore(async (store) => {
        const world = createWorld();
        const run = buildWordy(world);
        const other = world
          .run({ agentId: 'other' })
          .step({ messages: ['shared system', 'other question'] })
          .end();
        await importAll(store, run, other);
        await store.putAnnotation('default', {
          id: 'n',
          runId: run.id,
          stepId: null,
          kind: 'note',
          name: null,
          value: 'secretword note',
          author: null,
          createdAtMs: 1,
          updatedAtMs: 1,
        });
        const payloads = run.entries.length;
        const { droppedIds, sharedIds, ...counts } = await store.eraseRun('default', run.id);
        assert.deepEqual(counts, { runs: 1, events: payloads, contents: 6, shared: 1 });
        assert.deepEqual([...droppedIds, ...sharedIds].sort(), contentIdsOf(run).sort());
        assert.deepEqual(sharedIds, [contentIdsOf(run)[0]]);
        const view = await store.getRun('default', run.id);
        const answers = [
          view,
          await store.listEvents('default', run.id),
          await store.listSteps('default', run.id),
          await store.listAttempts('default', run.id),
          (await store.listRuns('default', {}, {})).items,
          await store.listAnnotations('default', run.id),
          await store.listAgents('default'),
          await store.totals('default', { by: 'model' }),
          await store.totals('default', { by: 'agent' }),
          await store.search('default', 'secretword'),
        ];
        assert.ok(!JSON.stringify(answers).includes('secretword'));
        const contents = run.entries.flatMap((entry) => entry.contents);
        const left = await store.readContents(
          'default',
          run.id,
          contents.map(({ id }) => id),
        );
        assert.deepEqual(
          left.map(({ bytes }) => Buffer.from(bytes).toString()),
          ['"shared system"'],
        );
        for (const filter of [
          { callerId: 'secretword caller' },
          { labels: { 'secretword label': 'secretword value' } },
          { agentId: 'secretword agent' },
          { text: 'secretword' },
        ]) {
          assert.equal(await store.countRuns('default', filter), 0);
        }
        const { contextNodeId } = await store.getStep('default', other.id, 1);
        assert.equal((await store.readContext('default', other.id, contextNodeId!)).length, 2);
      }),
    );

    it(
      'keeps facts, headers, digests and the chain',
      withStore(async (store) => {
        const run = buildWordy(createWorld());
        await importAll(store, run);
        const before = await store.getRun('default', run.id);
        await store.eraseRun('default', run.id);
        const events = await store.listEvents('default', run.id);
        let previous = zeroHash;
        for (const [index, event] of events.entries()) {
          assert.deepEqual([event.payload, event.salt], [null, null]);
          assert.deepEqual(event.header, run.entries[index]!.event.header);
          previous = eventHash(previous, event.header, event.digest);
          assert.equal(hex(event.hash), hex(previous));
        }
        const view = await store.getRun('default', run.id);
        assert.equal(view.erased, true);
        const facts = (of: typeof view) => [
          of.status,
          of.endReason,
          of.startedAtMs,
          of.finishedAtMs,
          of.durationMs,
          of.usage,
          of.counts,
          of.lastSeq,
        ];
        assert.deepEqual(facts(view), facts(before));
        assert.deepEqual((await store.listWriters('default', run.id))[0]!.n, run.entries.length);
      }),
    );

    it(
      'erases twice without harm and goes on importing',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ messages: ['gone'] });
        await importAll(store, run);
        await store.eraseRun('default', run.id);
        const nothing = { runs: 1, events: 0, contents: 0, shared: 0, droppedIds: [], sharedIds: [] };
        assert.deepEqual(await store.eraseRun('default', run.id), nothing);
        assert.equal((await store.importBatch(toBatch(run.entries))).duplicates, 3);
        assert.deepEqual(await store.search('default', 'gone'), []);
        await importAll(store, run.emit('log', { payload: { type: 'later' } }).end());
        assert.equal((await store.getRun('default', run.id)).status, 'completed');
      }),
    );

    it(
      'counts erasures of each project, and tells which runs lost words since when',
      withStore(async (store) => {
        const world = createWorld();
        const [first, second] = [world.run().step({ messages: ['a'] }), world.run().end()];
        await importAll(store, first, second);
        await store.importBatch(toBatch(first.entries, 'other'));
        const counts = async (): Promise<number[]> =>
          Promise.all(['default', 'other', 'none'].map((projectId) => store.erasureCount(projectId)));
        assert.deepEqual(await counts(), [0, 0, 0]);
        await store.countErasure('default');
        await store.countErasure('none');
        assert.deepEqual(await counts(), [1, 0, 0]);
        assert.deepEqual(await store.listErasures('default', 0), []);
        const changes = await store.changeCount();
        await store.eraseRun('default', first.id);
        await store.eraseRun('default', second.id, { stepIds: new Set() });
        await store.eraseRun('default', first.id);
        assert.ok((await store.changeCount()) > changes);
        assert.deepEqual(await counts(), [4, 0, 0]);
        const notes = [
          { number: 3, runId: second.id },
          { number: 4, runId: first.id },
        ];
        assert.deepEqual(await store.listErasures('default', 0), notes);
        assert.deepEqual(await store.listErasures('default', 3), notes.slice(1));
        assert.deepEqual(await store.listErasures('default', 4), []);
        assert.deepEqual(await store.listErasures('other', 0), []);
        await assert.rejects(store.eraseRun('other', second.id), { code: 'run-not-found' });
        assert.deepEqual(await counts(), [4, 0, 0]);
        assert.deepEqual((await store.listProjects()).includes('none'), false);
        if (reopen === null) return;
        const again = await reopen(store);
        try {
          await again.initialize();
          assert.deepEqual(
            [await again.erasureCount('default'), await again.listErasures('default', 3)],
            [4, notes.slice(1)],
          );
        } finally {
          await again.close();
        }
      }),
    );

    it(
      'keeps contents that another run names by its output, its step or its context',
      withStore(async (store) => {
        const world = createWorld();
        const first = world.run().step({ messages: ['prefix', 'tip'], output: ['same'], body: { same: 1 } });
        const second = world.run().step({ messages: ['prefix'], output: ['same'], body: { same: 1 } });
        await importAll(store, first, second);
        const result = await store.eraseRun('default', first.id);
        assert.deepEqual([result.contents, result.shared], [1, 3]);
        const step = await store.getStep('default', second.id, 1);
        assert.equal((await store.readContext('default', second.id, step.contextNodeId!)).length, 1);
        assert.equal((await store.readContents('default', second.id, [step.responseId!])).length, 1);
      }),
    );

    it(
      'rebuilds views that equal the stored ones (I11)',
      withStore(async (store) => {
        const world = createWorld();
        const runs = [
          buildWordy(world),
          world
            .run()
            .step({ messages: ['m'], output: ['o'] })
            .step({ status: null }),
          world.run({ parent: world.uuid(), dryRun: true }).end('timeout'),
        ];
        await importAll(store, ...runs);
        for (const run of runs) assert.deepEqual(await store.rebuildRun('default', run.id), []);
        const views = async () => [
          await store.getRun('default', runs[0]!.id),
          await store.listSteps('default', runs[0]!.id),
          await store.listAttempts('default', runs[0]!.id),
        ];
        const before = await views();
        await store.rebuildRun('default', runs[0]!.id);
        assert.deepEqual(await views(), before);
        await store.eraseRun('default', runs[0]!.id);
        assert.deepEqual(await store.rebuildRun('default', runs[0]!.id), []);
      }),
    );

    it(
      'rebuilds what came out of order as it was imported',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ output: ['a'] })
          .step({ status: 'error', error: errorOf('x') })
          .end();
        for (const index of [5, 3, 0, 4, 2, 1]) await store.importBatch(toBatch([run.entries[index]!]));
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
      }),
    );
  });
}
