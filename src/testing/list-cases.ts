import assert from 'node:assert/strict';
import type { PageRequest, RunFilter, Store } from '../core/store.ts';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, worldStartMs, type RunBuilder } from './world.ts';

const ids = (runs: readonly { readonly id: string }[]): string[] => runs.map((run) => run.id);

/** Every page of a list, walked by its cursors. */
export async function readPages(store: Store, filter: RunFilter, page: PageRequest): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const { items, nextCursor } = await store.listRuns('default', filter, {
      ...page,
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...ids(items));
    cursor = nextCursor;
  }
  return found;
}

async function listed(store: Store, filter: RunFilter): Promise<string[]> {
  const { items } = await store.listRuns('default', filter, { limit: 500 });
  assert.equal(await store.countRuns('default', filter), items.length);
  return ids(items);
}

/** Lists of runs: filters, pages, families, last runs. */
export function describeLists({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('lists', () => {
    it(
      'lists newest first; ties in time are broken by id',
      withStore(async (store) => {
        const world = createWorld();
        const runs = Array.from({ length: 30 }, (_, index) =>
          world.run({ timeMs: worldStartMs + Math.floor(index / 10) }),
        );
        await importAll(store, ...runs.toReversed());
        const expected = [2, 1, 0].flatMap((third) =>
          runs
            .slice(third * 10, third * 10 + 10)
            .map((run) => run.id)
            .sort()
            .reverse(),
        );
        assert.deepEqual(await listed(store, {}), expected);
        for (const limit of [1, 3, 7, 29, 30, 31]) assert.deepEqual(await readPages(store, {}, { limit }), expected);
        const { items } = await store.listRuns('default', {}, { limit: 4, offset: 9 });
        assert.deepEqual(ids(items), expected.slice(9, 13));
        const none = await store.listRuns('default', {}, { offset: 30 });
        assert.deepEqual([none.items, none.nextCursor], [[], null]);
      }),
    );

    it(
      'keeps its place when newer runs come in between pages',
      withStore(async (store) => {
        const world = createWorld();
        const runs = Array.from({ length: 6 }, () => world.run());
        await importAll(store, ...runs);
        const first = await store.listRuns('default', {}, { limit: 3 });
        await importAll(store, world.run(), world.run());
        const second = await store.listRuns('default', {}, { limit: 3, cursor: first.nextCursor! });
        assert.deepEqual(ids([...first.items, ...second.items]), runs.map((run) => run.id).reverse());
      }),
    );

    it(
      'corrects a limit that is none and says so',
      withStore(async (store) => {
        const world = createWorld();
        await importAll(store, ...Array.from({ length: 60 }, () => world.run()));
        for (const limit of [0, -1, 501, 1.5, Number.NaN]) {
          const page = await store.listRuns('default', {}, { limit });
          assert.deepEqual([page.items.length, page.limit, page.limitCorrected], [50, 50, true]);
        }
        for (const page of [
          await store.listRuns('default', {}, {}),
          await store.listRuns('default', {}, { limit: 50 }),
        ]) {
          assert.deepEqual([page.items.length, page.limit, page.limitCorrected], [50, 50, false]);
        }
        assert.equal((await store.listRuns('default', {}, { limit: 500 })).items.length, 60);
      }),
    );

    it(
      'refuses cursors and filters that are none',
      withStore(async (store) => {
        await importAll(store, createWorld().run());
        const cursors = [
          '',
          'x',
          "' OR 1=1 --",
          Buffer.from("1 0 ' OR 1=1").toString('base64url'),
          Buffer.from('2 0 a').toString('base64url'),
          'MSAw',
        ];
        for (const cursor of cursors)
          await assert.rejects(store.listRuns('default', {}, { cursor }), { code: 'bad-cursor' }, cursor);
        const filters = [
          { status: ['done'] },
          { endReason: ['x'] },
          { agentId: 5 },
          { sinceMs: Number.NaN },
          { labels: { a: 1 } },
          { labels: [] },
          { dryRun: 'yes' },
        ];
        for (const filter of filters) {
          await assert.rejects(store.listRuns('default', filter as unknown as RunFilter, {}), { code: 'bad-filter' });
          await assert.rejects(store.countRuns('default', filter as unknown as RunFilter), { code: 'bad-filter' });
        }
        await assert.rejects(store.listRuns('default', {}, { offset: -1 }), { code: 'bad-argument' });
      }),
    );

    it(
      'filters by every field, alone and together',
      withStore(async (store) => {
        const world = createWorld();
        const plain = world.run();
        const full = world.run({
          agentId: 'other',
          kind: 'chat_turn',
          callerId: 'caller',
          channelId: 'channel',
          sessionId: 'session',
          parent: plain,
          labels: { team: 'a', tier: '1' },
        });
        full.step({ model: 'model-2' }).end('ok');
        const failed = world
          .run({ labels: { team: 'b' } })
          .step({ status: 'error', error: errorOf('x') })
          .end('budget_exceeded');
        const stopped = world
          .run({ labels: { team: 'a' } })
          .step({ status: 'interrupted' })
          .end('killed');
        await importAll(store, plain, full, failed, stopped);
        const cases: [RunFilter, RunBuilder[]][] = [
          [{}, [stopped, failed, full, plain]],
          [{ status: ['running'] }, [plain]],
          [{ status: ['completed', 'failed'] }, [failed, full]],
          [{ status: [] }, [stopped, failed, full, plain]],
          [{ endReason: ['killed', 'budget_exceeded'] }, [stopped, failed]],
          [{ agentId: 'other' }, [full]],
          [{ kind: 'chat_turn' }, [full]],
          [{ callerId: 'caller' }, [full]],
          [{ channelId: 'channel' }, [full]],
          [{ sessionId: 'session' }, [full]],
          [{ model: 'model-2' }, [full]],
          [{ labels: { team: 'a' } }, [stopped, full]],
          [{ labels: { team: 'a', tier: '1' } }, [full]],
          [{ labels: { team: '1' } }, []],
          [{ topLevelOnly: true }, [stopped, failed, plain]],
          [{ hasError: true }, [failed]],
          [{ hasError: false }, [stopped, full, plain]],
          [{ callerId: 'caller', sessionId: 'session', status: ['completed'], agentId: 'other' }, [full]],
          [{ callerId: 'caller', status: ['failed'] }, []],
          [{ callerId: "caller' OR '1'='1" }, []],
          [{ agentId: '%' }, []],
        ];
        for (const [filter, expected] of cases)
          assert.deepEqual(await listed(store, filter), ids(expected), JSON.stringify(filter));
        assert.deepEqual(await readPages(store, { labels: { team: 'a' } }, { limit: 1 }), ids([stopped, full]));
        const sinceMs = (await store.getRun('default', stopped.id)).startedAtMs!;
        assert.deepEqual(await listed(store, { labels: { team: 'a' }, sinceMs }), ids([stopped]));
        assert.deepEqual(await store.countRuns('nobody', {}), 0);
      }),
    );

    it(
      'takes since ≤ started < until, creation standing for a start that has not come',
      withStore(async (store) => {
        const world = createWorld();
        const runs = [0, 1, 2, 3].map((index) => world.run({ timeMs: worldStartMs + index, started: index !== 2 }));
        await importAll(store, ...runs);
        assert.deepEqual(
          await listed(store, { sinceMs: worldStartMs + 1, untilMs: worldStartMs + 3 }),
          ids([runs[2]!, runs[1]!]),
        );
        assert.deepEqual(await listed(store, { sinceMs: worldStartMs + 2 }), ids([runs[3]!, runs[2]!]));
        assert.deepEqual(await listed(store, { untilMs: worldStartMs }), []);
        assert.deepEqual(await listed(store, { status: ['pending'] }), ids([runs[2]!]));
      }),
    );

    it(
      'hides dry runs unless asked for',
      withStore(async (store) => {
        const world = createWorld();
        const real = world.run().end();
        const dry = world.run({ dryRun: true }).end();
        await importAll(store, real, dry);
        assert.deepEqual(await listed(store, {}), ids([real]));
        assert.deepEqual(await listed(store, { includeDryRun: true }), ids([dry, real]));
        assert.deepEqual(await listed(store, { dryRun: true }), ids([dry]));
        assert.deepEqual(await listed(store, { dryRun: false, includeDryRun: true }), ids([real]));
        assert.deepEqual(
          [...(await store.lastRunPerAgent('default', ['agent'])).values()].map((run) => run.id),
          [real.id],
        );
        assert.deepEqual(await store.listAgents('default'), [
          { agentId: 'agent', runs: 1, lastStartedAtMs: worldStartMs + 1000 },
        ]);
        assert.equal((await store.totals('default', { by: 'agent' }))[0]!.runs, 1);
        assert.equal((await store.totals('default', { by: 'agent', includeDryRun: true }))[0]!.runs, 2);
      }),
    );

    it(
      'finds ids by prefix',
      withStore(async (store) => {
        const world = createWorld();
        const runs = [world.run(), world.run(), world.run({ timeMs: worldStartMs + 2 ** 40 })];
        await importAll(store, ...runs);
        assert.deepEqual(await store.findRunIds('default', runs[0]!.id, 5), [runs[0]!.id]);
        const sorted = runs.map((run) => run.id).sort();
        assert.deepEqual(await store.findRunIds('default', '', 5), sorted);
        assert.deepEqual(await store.findRunIds('default', runs[0]!.id.slice(0, 6), 1), sorted.slice(0, 1));
        assert.deepEqual(await store.findRunIds('default', runs[2]!.id.slice(0, 13), 9), [runs[2]!.id]);
        for (const prefix of ['%', '_', '*', "'"]) assert.deepEqual(await store.findRunIds('default', prefix, 5), []);
      }),
    );

    it(
      'lists children oldest first; an empty parent has none',
      withStore(async (store) => {
        const world = createWorld();
        const parent = world.run();
        const children = [world.run({ parent }), world.run({ parent }), world.run({ parent })];
        await importAll(store, parent, ...children.toReversed(), world.run());
        assert.deepEqual(ids(await store.listChildren('default', parent.id)), ids(children));
        assert.deepEqual(await store.listChildren('default', ''), []);
        assert.deepEqual(await store.listChildren('default', children[0]!.id), []);
      }),
    );

    it(
      'walks the parents, root first, at most the nearest 32',
      withStore(async (store) => {
        const world = createWorld();
        const line = [world.run()];
        for (let depth = 1; depth < 40; depth += 1) line.push(world.run({ parent: line.at(-1)! }));
        await importAll(store, ...line);
        assert.deepEqual(ids(await store.parentChain('default', line[4]!.id)), ids(line.slice(0, 5)));
        assert.deepEqual(ids(await store.parentChain('default', line[39]!.id)), ids(line.slice(8)));
        assert.deepEqual(ids(await store.parentChain('default', line[0]!.id)), ids(line.slice(0, 1)));
      }),
    );

    it(
      'survives a cycle and a missing parent',
      withStore(async (store) => {
        const world = createWorld();
        const [a, b, c] = [world.uuid(), world.uuid(), world.uuid()];
        await importAll(
          store,
          world.run({ id: a, parent: b }),
          world.run({ id: b, parent: a }),
          world.run({ id: c, parent: world.uuid() }),
        );
        assert.deepEqual(ids(await store.parentChain('default', a)), [b, a]);
        assert.deepEqual(ids(await store.parentChain('default', c)), [c]);
      }),
    );

    it(
      'lists what finished before a moment, oldest first',
      withStore(async (store) => {
        const world = createWorld();
        const runs = Array.from({ length: 4 }, (_, index) => world.run({ timeMs: worldStartMs + index * 10 }).end());
        const open = world.run({ timeMs: worldStartMs + 5 });
        await importAll(store, ...runs, open);
        assert.deepEqual(ids(await store.listFinishedBefore('default', worldStartMs + 21, 10)), ids(runs.slice(0, 2)));
        assert.deepEqual(ids(await store.listFinishedBefore('default', worldStartMs + 22, 10)), ids(runs.slice(0, 3)));
        assert.deepEqual(ids(await store.listFinishedBefore('default', worldStartMs + 1000, 2)), ids(runs.slice(0, 2)));
        for (const limit of [0, -5])
          assert.deepEqual(await store.listFinishedBefore('default', worldStartMs + 1000, limit), []);
      }),
    );

    it(
      'gives the last run of each agent',
      withStore(async (store) => {
        const world = createWorld();
        const first = world.run({ agentId: 'a' }).end('ok');
        const second = world.run({ agentId: 'a' }).end('error');
        const other = world.run({ agentId: 'b' });
        await importAll(store, first, second, other);
        const agents = ['a', 'b', 'never', 'a'];
        const last = await store.lastRunPerAgent('default', agents);
        assert.deepEqual([...last].map(([agent, run]) => [agent, run.id]).sort(), [
          ['a', second.id],
          ['b', other.id],
        ]);
        const completed = await store.lastRunPerAgent('default', agents, { includeFailed: false });
        assert.deepEqual(
          [...completed].map(([agent, run]) => [agent, run.id]),
          [['a', first.id]],
        );
        assert.equal((await store.lastRunPerAgent('default', [])).size, 0);
        assert.deepEqual(
          (await store.listAgents('default')).map(({ agentId, runs }) => [agentId, runs]),
          [
            ['b', 1],
            ['a', 2],
          ],
        );
      }),
    );

    it(
      'lists open runs with their writers and open steps',
      withStore(async (store) => {
        const world = createWorld();
        const open = world.run().step().step({ status: null });
        const other = open.writer('b'.repeat(16)).step({ kind: 'tool', status: null });
        const ended = world.run().end();
        await importAll(store, open, ended, other);
        const [only, ...rest] = await store.listOpenRuns('default');
        assert.deepEqual(rest, []);
        assert.equal(only!.run.id, open.id);
        assert.deepEqual(only!.writerIds, ['a'.repeat(16), 'b'.repeat(16)]);
        assert.deepEqual(only!.openStepIds, [open.lastStepId, other.lastStepId]);
        await importAll(store, open.end('interrupted'));
        assert.deepEqual(await store.listOpenRuns('default'), []);
      }),
    );
  });
}
