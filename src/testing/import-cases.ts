import assert from 'node:assert/strict';
import { zeroHash } from '../core/record/chain.ts';
import type { Seal } from '../core/record/seal.ts';
import type { Store } from '../core/store.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, toBatch, type RunBuilder } from './world.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Imports everything a builder has not yet handed out. */
export async function importAll(store: Store, ...builders: RunBuilder[]): Promise<void> {
  for (const builder of builders) await store.importBatch(toBatch(builder.take()));
}

/** A seal over the present heads of a run; its signature is not real, which no store looks at. */
export async function sealOf(store: Store, runId: string, number: number): Promise<Seal> {
  const writers = await store.listWriters('default', runId);
  return {
    projectId: 'default',
    runId,
    number,
    writers: writers.map(({ writerId, n, hash }) => ({ writerId, count: n, head: hex(hash), erased: 0 })),
    timeMs: 1,
    previous: hex(zeroHash),
    publicKey: '00',
    signature: '00',
  };
}

/** Import: idempotent, atomic, gapless numbers, ends that stand. */
export function describeImport({ api: { describe, it }, withStore, reopen }: SuiteContext): void {
  describe('import', () => {
    it(
      'initializes twice without harm',
      withStore(async (store) => {
        await store.initialize();
        assert.deepEqual(await store.listProjects(), []);
      }),
    );

    it(
      'gives seq and step numbers without a gap and tells what it did',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ messages: ['a', 'b'], output: 'c' })
          .step({ kind: 'tool', args: { x: 1 }, result: 2 })
          .end();
        const result = await store.importBatch(toBatch(run.entries));
        assert.deepEqual(result, {
          events: 6,
          duplicates: 0,
          contents: 5,
          changedRuns: [{ runId: run.id, lastSeq: 6 }],
          runsToSeal: [run.id],
        });
        const events = await store.listEvents('default', run.id);
        assert.deepEqual(
          events.map((event) => event.seq),
          [1, 2, 3, 4, 5, 6],
        );
        assert.deepEqual(
          (await store.listSteps('default', run.id)).map((step) => step.number),
          [1, 2],
        );
        assert.deepEqual(
          events.map(({ seq: _seq, ...event }) => hex(event.hash)),
          run.entries.map((entry) => hex(entry.event.hash)),
        );
      }),
    );

    it(
      'gives every event back as it came',
      withStore(async (store) => {
        const run = createWorld()
          .run({ name: 'ü"\\\u0000' })
          .step({ body: { a: 1 } })
          .end();
        await importAll(store, run);
        const events = await store.listEvents('default', run.id);
        const plain = (event: (typeof run.entries)[number]['event']) => ({
          ...event,
          salt: hex(event.salt!),
          digest: hex(event.digest),
          hash: hex(event.hash),
        });
        assert.deepEqual(
          events.map(({ seq: _seq, ...event }) => plain(event)),
          run.entries.map((entry) => plain(entry.event)),
        );
      }),
    );

    it(
      'knows an event by run, writer and n (I2)',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ messages: ['hello'] })
          .end();
        const batch = toBatch(run.entries);
        await store.importBatch(batch);
        const before = await store.getRun('default', run.id);
        const again = await store.importBatch(batch);
        assert.deepEqual(
          [again.events, again.duplicates, again.contents, again.changedRuns],
          [0, run.entries.length, 0, []],
        );
        assert.deepEqual(await store.getRun('default', run.id), before);
        assert.equal((await store.listEvents('default', run.id)).length, run.entries.length);
      }),
    );

    it(
      'takes the events of a writer in any order',
      withStore(async (store) => {
        const run = createWorld().run().step().step().end();
        const shuffled = [3, 0, 5, 1, 4, 2].map((index) => run.entries[index]!);
        for (const entry of shuffled) await store.importBatch(toBatch([entry]));
        const [head] = await store.listWriters('default', run.id);
        assert.equal(head!.n, 6);
        assert.deepEqual(head!.missing, []);
        const view = await store.getRun('default', run.id);
        assert.equal(view.status, 'completed');
        assert.equal(view.lastSeq, 6);
        assert.equal(view.counts.missing, 0);
        assert.deepEqual(
          (await store.listSteps('default', run.id)).map((step) => step.number),
          [1, 2],
        );
      }),
    );

    it(
      'knows which events of a writer are missing',
      withStore(async (store) => {
        const run = createWorld().run().step().end();
        await store.importBatch(toBatch([run.entries[0]!, run.entries[3]!]));
        const [head] = await store.listWriters('default', run.id);
        assert.deepEqual(
          { n: head!.n, missing: head!.missing, hash: hex(head!.hash) },
          { n: 4, missing: [2, 3], hash: hex(run.entries[3]!.event.hash) },
        );
      }),
    );

    it(
      'merges the writers of a run into one order of steps',
      withStore(async (store) => {
        const one = createWorld().run().step();
        const other = one.writer('b'.repeat(16)).step();
        one.step();
        await importAll(store, one, other);
        assert.deepEqual(
          (await store.listSteps('default', one.id)).map((step) => step.number),
          [1, 2, 3],
        );
        assert.deepEqual(
          (await store.listWriters('default', one.id)).map((head) => [head.writerId, head.n]),
          [
            ['a'.repeat(16), 5],
            ['b'.repeat(16), 2],
          ],
        );
        assert.equal((await store.getRun('default', one.id)).lastSeq, 7);
      }),
    );

    it(
      'replaces an error by the completion of a later try and clears it',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ status: 'error', error: errorOf('first try') });
        await importAll(store, run);
        assert.equal((await store.getRun('default', run.id)).summary.hasError, true);
        const facts = {
          status: 'completed',
          durationMs: 1,
          timeToFirstTokenMs: null,
          usage: null,
          cost: null,
          resultStatus: null,
          swept: false,
        };
        await importAll(store, run.emit('step-end', { stepId: run.lastStepId, facts }));
        const step = await store.getStep('default', run.id, 1);
        assert.deepEqual([step.status, step.error], ['completed', null]);
        assert.equal((await store.getRun('default', run.id)).summary.hasError, false);
        assert.deepEqual(await store.search('default', 'first try'), []);
        await importAll(
          store,
          run.emit('step-end', { stepId: run.lastStepId, facts: { ...facts, status: 'interrupted' } }),
        );
        assert.equal((await store.getStep('default', run.id, 1)).status, 'completed');
      }),
    );

    it(
      'keeps the first end of a run (I7)',
      withStore(async (store) => {
        const run = createWorld().run().end('ok');
        await importAll(store, run);
        const first = await store.getRun('default', run.id);
        await importAll(store, run.end('ok'), run.end('killed'));
        const later = await store.getRun('default', run.id);
        assert.deepEqual(
          [later.status, later.endReason, later.finishedAtMs],
          [first.status, first.endReason, first.finishedAtMs],
        );
        assert.equal(later.counts.events, 4);
      }),
    );

    it(
      'keeps journal positions with the entries they count',
      withStore(async (store) => {
        const run = createWorld().run();
        await store.importBatch(toBatch(run.take(), 'default', { file: 'b.journal', bytes: 10 }));
        await store.importBatch(toBatch(run.step().take(), 'default', { file: 'b.journal', bytes: 20 }));
        await store.importBatch(toBatch([], 'default', { file: 'a.journal', bytes: 5 }));
        assert.deepEqual(await store.journalPositions(), [
          { file: 'a.journal', bytes: 5 },
          { file: 'b.journal', bytes: 20 },
        ]);
        await store.forgetJournal('b.journal');
        assert.deepEqual(await store.journalPositions(), [{ file: 'a.journal', bytes: 5 }]);
      }),
    );

    it(
      'names a run for sealing once it has ended, until its seal covers it',
      withStore(async (store) => {
        const run = createWorld().run().step();
        assert.deepEqual((await store.importBatch(toBatch(run.take()))).runsToSeal, []);
        assert.deepEqual((await store.importBatch(toBatch(run.end().take()))).runsToSeal, [run.id]);
        const seal = await sealOf(store, run.id, 1);
        await store.appendSeals('default', [seal]);
        await store.appendSeals('default', [seal]);
        assert.deepEqual(await store.listSeals('default', run.id), [seal]);
        assert.deepEqual((await store.importBatch(toBatch(run.entries))).runsToSeal, []);
        assert.deepEqual(
          (await store.importBatch(toBatch(run.emit('log', { payload: { type: 'late' } }).take()))).runsToSeal,
          [run.id],
        );
        const next = await sealOf(store, run.id, 2);
        await store.appendSeals('default', [next]);
        assert.deepEqual(await store.lastSeal('default'), next);
        assert.deepEqual(await store.listSeals('default'), [seal, next]);
        await assert.rejects(store.appendSeals('default', [{ ...next, timeMs: 2 }]), { code: 'end-conflict' });
      }),
    );

    it(
      'keeps projects apart, even under one run id (I10)',
      withStore(async (store) => {
        const run = createWorld()
          .run({ name: 'secret name' })
          .step({ messages: ['zebra'] });
        await store.importBatch(toBatch(run.entries, 'one'));
        await assert.rejects(store.getRun('two', run.id), { code: 'run-not-found' });
        assert.deepEqual(await store.findRunIds('two', run.id, 5), []);
        assert.deepEqual(await store.search('two', 'zebra'), []);
        await store.importBatch(toBatch(run.entries.slice(0, 1), 'two'));
        assert.equal((await store.listEvents('two', run.id)).length, 1);
        assert.equal((await store.listEvents('one', run.id)).length, 3);
        assert.equal((await store.search('one', 'zebra')).length, 1);
        assert.deepEqual(await store.search('two', 'zebra'), []);
        assert.deepEqual(await store.listProjects(), ['one', 'two']);
      }),
    );

    it(
      'counts every change',
      withStore(async (store) => {
        const run = createWorld().run();
        const counts = [await store.changeCount()];
        await importAll(store, run);
        counts.push(await store.changeCount());
        await importAll(store, run.end());
        counts.push(await store.changeCount());
        await store.eraseRun('default', run.id);
        counts.push(await store.changeCount());
        assert.deepEqual(
          [...new Set(counts)].sort((a, b) => a - b),
          counts,
        );
      }),
    );

    if (reopen !== null) {
      it(
        'has everything after a reopening',
        withStore(async (store) => {
          const run = createWorld()
            .run({ labels: { a: 'b' } })
            .step({ messages: ['m'], body: { b: 1 }, status: 'error', error: errorOf('bang') })
            .end();
          await store.importBatch(toBatch(run.entries, 'default', { file: 'j', bytes: 1 }));
          const seen = async (from: Store) => [
            await from.getRun('default', run.id),
            await from.listSteps('default', run.id),
            await from.listAttempts('default', run.id),
            await from.listEvents('default', run.id),
            await from.journalPositions(),
            await from.search('default', 'bang'),
          ];
          const before = await seen(store);
          const again = await reopen(store);
          await again.initialize();
          assert.deepEqual(await seen(again), before);
          await again.close();
        }),
      );
    }

    it(
      'refuses to work when it is not open',
      withStore(async (store) => {
        await store.close();
        await assert.rejects(store.listProjects(), { code: 'store-closed' });
        await assert.rejects(store.importBatch(toBatch([])), { code: 'store-closed' });
      }),
    );
  });
}
