import assert from 'node:assert/strict';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, usageOf, worldStartMs } from './world.ts';

const dayMs = 24 * 3600 * 1000;
const priced = (nanoUsd: number) => ({ nanoUsd, status: 'estimated', source: 'price-table' }) as const;

/** Totals by model, agent and day. */
export function describeTotals({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('totals', () => {
    it(
      'sums tokens, cost and errors by model, with percentiles of the steps',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run();
        for (let index = 1; index <= 10; index += 1)
          run.step({ model: 'm1', usage: usageOf(index, null), cost: priced(100), durationMs: index });
        run.step({ model: 'm2', usage: usageOf(5, 7), cost: null, durationMs: null });
        run.step({ model: 'm2', status: 'error', error: errorOf('x'), usage: null, cost: priced(1), durationMs: 0.5 });
        run.step({ model: 'm3', status: null });
        run.step({ kind: 'tool' });
        await importAll(store, run.end());
        const [m1, m2, m3, ...rest] = await store.totals('default', { by: 'model' });
        assert.deepEqual(rest, []);
        assert.deepEqual(m1, {
          key: 'm1',
          runs: 1,
          steps: 10,
          errors: 0,
          errorRate: 0,
          usage: usageOf(55, null),
          costNanoUsd: 1000,
          costKnownNanoUsd: 1000,
          durationP50Ms: 5,
          durationP90Ms: 9,
          durationP99Ms: 10,
        });
        assert.deepEqual(m2, {
          key: 'm2',
          runs: 1,
          steps: 2,
          errors: 1,
          errorRate: 0.5,
          usage: usageOf(5, 7),
          costNanoUsd: null,
          costKnownNanoUsd: 1,
          durationP50Ms: 0.5,
          durationP90Ms: 0.5,
          durationP99Ms: 0.5,
        });
        assert.deepEqual(
          [m3!.key, m3!.steps, m3!.costNanoUsd, m3!.usage, m3!.durationP50Ms],
          ['m3', 1, 0, usageOf(null, null), null],
        );
      }),
    );

    it(
      'sums runs by agent and by UTC day within a range',
      withStore(async (store) => {
        const world = createWorld();
        const runs = [0, 1, 2, 3].map((index) =>
          world
            .run({ agentId: index === 3 ? 'other' : 'agent', timeMs: worldStartMs + index * dayMs - 1 })
            .step({ usage: usageOf(10, 1), cost: priced(5) })
            .step({ kind: 'tool', status: 'error', error: errorOf('x') })
            .end('ok', { durationMs: 100 * (index + 1) }),
        );
        await importAll(store, ...runs);
        const [agent, other] = await store.totals('default', { by: 'agent' });
        assert.deepEqual(agent, {
          key: 'agent',
          runs: 3,
          steps: 6,
          errors: 3,
          errorRate: 0.5,
          usage: usageOf(30, 3),
          costNanoUsd: 15,
          costKnownNanoUsd: 15,
          durationP50Ms: 200,
          durationP90Ms: 300,
          durationP99Ms: 300,
        });
        assert.equal(other!.key, 'other');
        const days = await store.totals('default', {
          by: 'day',
          sinceMs: worldStartMs,
          untilMs: worldStartMs + 2 * dayMs,
        });
        assert.deepEqual(
          days.map((day) => [day.key, day.runs]),
          [
            ['2026-11-02', 1],
            ['2026-11-03', 1],
          ],
        );
        assert.deepEqual(
          (await store.totals('default', { by: 'model', sinceMs: worldStartMs + 2 * dayMs })).map((row) => row.runs),
          [1],
        );
      }),
    );

    it(
      'does not take a run without steps for one that never failed',
      withStore(async (store) => {
        await importAll(store, createWorld().run());
        const [row] = await store.totals('default', { by: 'agent' });
        assert.deepEqual(
          [row!.runs, row!.steps, row!.errorRate, row!.durationP50Ms, row!.usage],
          [1, 0, null, null, usageOf(null, null)],
        );
        assert.deepEqual(await store.totals('default', { by: 'model' }), []);
        assert.deepEqual(await store.totals('nobody', { by: 'day' }), []);
      }),
    );
  });
}
