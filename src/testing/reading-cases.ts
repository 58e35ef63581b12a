import assert from 'node:assert/strict';
import { rootNodeId } from '../core/content/context.ts';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, toBatch } from './world.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Reading one run: events, steps, attempts, contexts, contents, annotations. */
export function describeReading({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('reading', () => {
    it(
      'says run-not-found and step-not-found',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run().step();
        await importAll(store, run);
        const nobody = world.uuid();
        const reads = [
          store.getRun('default', nobody),
          store.listEvents('default', nobody),
          store.listSteps('default', nobody),
          store.listAttempts('default', nobody),
          store.readContext('default', nobody, rootNodeId),
          store.readContents('default', nobody, []),
          store.parentChain('default', nobody),
          store.listWriters('default', nobody),
          store.eraseRun('default', nobody),
          store.rebuildRun('default', nobody),
          store.getStep('default', nobody, 1),
        ];
        for (const result of await Promise.allSettled(reads)) {
          assert.equal(result.status === 'rejected' && (result.reason as { code: string }).code, 'run-not-found');
        }
        await assert.rejects(store.getStep('default', run.id, 2), { code: 'step-not-found' });
      }),
    );

    it(
      'lists events from a seq, at most so many',
      withStore(async (store) => {
        const run = createWorld().run().step().step().end();
        await importAll(store, run);
        const page = await store.listEvents('default', run.id, { fromSeq: 3, limit: 2 });
        assert.deepEqual(
          page.map((event) => event.seq),
          [3, 4],
        );
        assert.deepEqual(await store.listEvents('default', run.id, { fromSeq: 7 }), []);
      }),
    );

    it(
      'lists steps and attempts in order',
      withStore(async (store) => {
        const run = createWorld().run();
        const stepIds = [0, 1, 2].map((index) => run.step({ name: `step ${index}`, body: { index } }).lastStepId);
        await importAll(store, run);
        const steps = await store.listSteps('default', run.id);
        assert.deepEqual(
          steps.map((step) => [step.number, step.id, step.name]),
          stepIds.map((id, index) => [index + 1, id, `step ${index}`]),
        );
        assert.deepEqual(
          (await store.listSteps('default', run.id, { fromNumber: 2, limit: 1 })).map((step) => step.number),
          [2],
        );
        assert.deepEqual(
          (await store.listAttempts('default', run.id)).map((attempt) => attempt.stepId),
          stepIds,
        );
        const [attempt] = await store.listAttempts('default', run.id, stepIds[1]);
        assert.deepEqual(
          [
            attempt!.stepId,
            attempt!.number,
            attempt!.status,
            attempt!.responseStatus,
            attempt!.path,
            attempt!.requestHeaders,
            attempt!.durationMs,
          ],
          [stepIds[1], 1, 'completed', 200, '/v1/generate', { accept: 'application/json' }, 12.5],
        );
        const bodies = await store.readContents('default', run.id, [attempt!.requestBody!.contentId!]);
        assert.deepEqual(
          bodies.map(({ bytes }) => text(bytes)),
          ['{"index":1}'],
        );
      }),
    );

    it(
      'reads contexts back in order, word for word, sharing what they begin with',
      withStore(async (store) => {
        const world = createWorld();
        const messages = Array.from({ length: 40 }, (_, index) => ({
          role: 'user',
          content: `message ${index} ${'x'.repeat(index * 60)}`,
        }));
        const run = world
          .run()
          .step({ messages: messages.slice(0, 30) })
          .step({ messages });
        const fork = world.run().step({ messages: [...messages.slice(0, 10), 'another'] });
        await importAll(store, run, fork);
        const [first, second] = await store.listSteps('default', run.id);
        const contents = await store.readContext('default', run.id, second!.contextNodeId!);
        assert.deepEqual(
          contents.map(({ bytes }) => text(bytes)),
          messages.map((message) => JSON.stringify(message)),
        );
        const tail = await store.readContext('default', run.id, second!.contextNodeId!, { from: 38 });
        assert.deepEqual(
          tail.map(({ bytes }) => JSON.parse(text(bytes))),
          messages.slice(38),
        );
        const nodes = await store.readContextNodes('default', run.id, second!.contextNodeId!);
        assert.deepEqual(
          nodes.map((node) => node.depth),
          messages.map((_, index) => index + 1),
        );
        assert.equal(nodes[29]!.id, first!.contextNodeId);
        assert.equal(nodes[0]!.parentId, rootNodeId);
        const forked = await store.readContextNodes(
          'default',
          fork.id,
          (await store.getStep('default', fork.id, 1)).contextNodeId!,
        );
        assert.deepEqual(forked.slice(0, 10), nodes.slice(0, 10));
        assert.equal(forked.length, 11);
      }),
    );

    it(
      'leaves out what never arrived',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run().step({ messages: ['one', 'two', 'three'] });
        const [create, start, ...rest] = run.take();
        const lost = start!.contents[1]!.id;
        await store.importBatch(
          toBatch([create!, { ...start!, contents: start!.contents.filter(({ id }) => id !== lost) }, ...rest]),
        );
        const { contextNodeId } = await store.getStep('default', run.id, 1);
        assert.deepEqual(
          (await store.readContext('default', run.id, contextNodeId!)).map(({ bytes }) => text(bytes)),
          ['"one"', '"three"'],
        );
        assert.equal((await store.readContextNodes('default', run.id, contextNodeId!))[1]!.contentId, lost);
        assert.deepEqual(await store.readContents('default', run.id, [lost]), []);
        assert.deepEqual(await store.readContext('default', run.id, 'ab'.repeat(32)), []);
      }),
    );

    it(
      'survives a hostile cycle of nodes',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run();
        const content = world.content('message', 'x');
        const [one, other] = ['11'.repeat(32), '22'.repeat(32)];
        const nodes = [
          { id: one!, parentId: other!, contentId: content.id, depth: 1 },
          { id: other!, parentId: one!, contentId: content.id, depth: 2 },
        ];
        run.emit('log', { payload: { type: 'x' }, contents: [content], nodes });
        await importAll(store, run);
        assert.ok((await store.readContext('default', run.id, one!)).length <= 2);
        assert.ok((await store.readContextNodes('default', run.id, other!)).length <= 2);
      }),
    );

    it(
      'keeps annotations beside the record',
      withStore(async (store) => {
        const run = createWorld().run();
        await importAll(store, run);
        const note = {
          id: 'n1',
          runId: run.id,
          stepId: null,
          kind: 'note',
          name: null,
          value: 'look',
          author: 'me',
          createdAtMs: 2,
          updatedAtMs: 2,
        } as const;
        const score = { ...note, id: 's1', kind: 'score', name: 'quality', value: 0.5, createdAtMs: 1 } as const;
        await store.putAnnotation('default', note);
        await store.putAnnotation('default', score);
        assert.deepEqual(await store.listAnnotations('default', run.id), [score, note]);
        await store.putAnnotation('default', { ...note, value: '1', updatedAtMs: 9 });
        assert.deepEqual((await store.listAnnotations('default', run.id))[1], { ...note, value: '1', updatedAtMs: 9 });
        assert.deepEqual(await store.listAnnotations('other', run.id), []);
        assert.equal(await store.deleteAnnotation('other', 'n1'), false);
        assert.equal(await store.deleteAnnotation('default', 'n1'), true);
        assert.equal(await store.deleteAnnotation('default', 'n1'), false);
        await assert.rejects(store.putAnnotation('default', { ...note, runId: 'nobody' }), { code: 'run-not-found' });
        assert.equal((await store.listEvents('default', run.id)).length, 1);
      }),
    );

    it(
      'refuses an annotation id that another run of the project has, and takes it in another project',
      withStore(async (store) => {
        const world = createWorld();
        const [one, other] = [world.run(), world.run()];
        await importAll(store, one, other);
        await store.importBatch(toBatch(other.entries, 'second'));
        const note = {
          id: 'n1',
          runId: one.id,
          stepId: null,
          kind: 'note',
          name: null,
          value: 'mine',
          author: null,
          createdAtMs: 1,
          updatedAtMs: 1,
        } as const;
        await store.putAnnotation('default', note);
        const stolen = { ...note, runId: other.id, value: 'stolen' };
        await assert.rejects(store.putAnnotation('default', stolen), { code: 'end-conflict' });
        assert.deepEqual(await store.listAnnotations('default', one.id), [note]);
        assert.deepEqual(await store.listAnnotations('default', other.id), []);
        await store.putAnnotation('second', stolen);
        assert.deepEqual(await store.listAnnotations('second', other.id), [stolen]);
        assert.deepEqual(await store.listAnnotations('default', one.id), [note]);
      }),
    );
  });
}
