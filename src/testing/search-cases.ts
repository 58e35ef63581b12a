import assert from 'node:assert/strict';
import type { SearchHit } from '../core/store.ts';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf } from './world.ts';

const places = (hits: readonly SearchHit[]): string[][] => hits.map((hit) => [hit.runId, hit.kind]).sort();

/** Full text: words and phrases over messages, outputs, arguments, results and errors. */
export function describeSearch({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('full text', () => {
    it(
      'finds words and phrases wherever people and models wrote them',
      withStore(async (store) => {
        const world = createWorld();
        const message = world.run().step({ messages: [{ role: 'user', content: 'the quick brown fox' }] });
        const output = world.run().step({ output: [{ type: 'text', text: 'a quick answer' }] });
        const tool = world
          .run()
          .step({ kind: 'tool', args: { query: 'quick look' }, result: { found: 'brown and quick' } });
        const failed = world
          .run()
          .step({ status: 'error', error: errorOf('too quick to fail') })
          .end('error', { error: errorOf('quick end') });
        await importAll(store, message, output, tool, failed);
        const expected = [
          [message.id, 'message'],
          [output.id, 'output'],
          [tool.id, 'args'],
          [tool.id, 'result'],
          [failed.id, 'error'],
          [failed.id, 'error'],
        ];
        assert.deepEqual(places(await store.search('default', 'quick')), expected.sort());
        assert.deepEqual(
          places(await store.search('default', 'QUICK brown')),
          [
            [message.id, 'message'],
            [tool.id, 'result'],
          ].sort(),
        );
        assert.deepEqual(places(await store.search('default', '"quick brown"')), [[message.id, 'message']]);
        assert.deepEqual(places(await store.search('default', '"brown quick"')), []);
        assert.deepEqual(places(await store.search('default', 'quick', { runId: tool.id })), [
          [tool.id, 'args'],
          [tool.id, 'result'],
        ]);
        assert.equal((await store.search('default', 'quick', { limit: 2 })).length, 2);
        assert.deepEqual(await store.search('default', 'quicker'), []);
      }),
    );

    it(
      'marks the words in a snippet and names the step',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({
            messages: [{ role: 'user', content: `${'before '.repeat(50)}the needle here ${'after '.repeat(50)}` }],
          });
        await importAll(store, run);
        const [hit] = await store.search('default', '"the needle"');
        assert.equal(hit!.stepId, run.lastStepId);
        assert.match(hit!.snippet, /before \uE000the\uE001 \uE000needle\uE001 here after/u);
        assert.ok(hit!.snippet.length < 300);
        assert.equal(hit!.contentId?.length, 64);
      }),
    );

    it(
      'orders by time, newest first',
      withStore(async (store) => {
        const world = createWorld();
        const runs = [0, 1, 2, 3].map((index) =>
          index === 1
            ? world.run().step({ status: 'error', error: errorOf('common') })
            : world.run().step({ messages: [`common ${index}`] }),
        );
        await importAll(store, ...runs.toReversed());
        const hits = await store.search('default', 'common', { order: 'time' });
        assert.deepEqual(
          hits.map((hit) => hit.runId),
          runs.map((run) => run.id).reverse(),
        );
        assert.deepEqual(
          (await store.search('default', 'common', { order: 'time', limit: 1 })).map((hit) => hit.runId),
          [runs[3]!.id],
        );
      }),
    );

    it(
      'orders by rank, more matches first',
      withStore(async (store) => {
        const world = createWorld();
        const weak = world.run().step({ messages: [`apple ${'pear '.repeat(20)}`] });
        const strong = world.run().step({ messages: ['apple apple apple'] });
        await importAll(store, strong, weak);
        assert.deepEqual(
          (await store.search('default', 'apple', { order: 'rank' })).map((hit) => hit.runId),
          [strong.id, weak.id],
        );
      }),
    );

    it(
      'takes any text for a question and none for an error',
      withStore(async (store) => {
        await importAll(
          store,
          createWorld()
            .run()
            .step({ messages: ['plain words AND NOT near'] }),
        );
        for (const text of [
          '',
          '  ',
          '"',
          '""',
          '*',
          'words:',
          'a OR',
          '(',
          "';--",
          'NEAR(',
          '\u0000',
          '\uD800',
          '-plain',
          '^',
          '{x}:',
        ]) {
          await store.search('default', text);
          await store.listRuns('default', { text }, {});
        }
        assert.equal((await store.search('default', 'AND NOT')).length, 1);
        assert.equal((await store.search('default', 'plain -words')).length, 1);
        assert.deepEqual(await store.search('default', '!?'), []);
      }),
    );

    it(
      'ignores case and diacritics and reads scripts without spaces',
      withStore(async (store) => {
        const run = createWorld()
          .run()
          .step({ messages: ['Überraschung im Café', '東京都に行きます'] });
        await importAll(store, run);
        for (const text of ['uberraschung', 'CAFÉ', 'cafe', '東京', '京都', '行き'])
          assert.equal((await store.search('default', text)).length, 1, text);
        assert.deepEqual(await store.search('default', '京東'), []);
      }),
    );

    it(
      'narrows lists of runs',
      withStore(async (store) => {
        const world = createWorld();
        const one = world.run({ agentId: 'a' }).step({ messages: ['shared words'], output: ['private words'] });
        const two = world
          .run({ agentId: 'b' })
          .step({ messages: ['shared words'] })
          .end('error', { error: errorOf('private end') });
        await importAll(store, one, two);
        const list = async (text: string, agentId?: string) =>
          (await store.listRuns('default', { text, ...(agentId === undefined ? {} : { agentId }) }, {})).items.map(
            (run) => run.id,
          );
        assert.deepEqual(await list('private'), [two.id, one.id]);
        assert.deepEqual(await list('private', 'a'), [one.id]);
        assert.deepEqual(await list('"private end"'), [two.id]);
        assert.deepEqual(await list('absent'), []);
        assert.deepEqual(await list('?'), []);
        assert.deepEqual(await list(' '), [two.id, one.id]);
        assert.equal(await store.countRuns('default', { text: 'private' }), 2);
      }),
    );

    it(
      'finds what a run uses though another brought it',
      withStore(async (store) => {
        const world = createWorld();
        const first = world.run().step({ output: ['the same answer'] });
        const second = world.run().step({ output: ['the same answer'] });
        await importAll(store, first, second);
        assert.deepEqual(
          places(await store.search('default', '"same answer"')),
          [
            [first.id, 'output'],
            [second.id, 'output'],
          ].sort(),
        );
      }),
    );
  });
}
