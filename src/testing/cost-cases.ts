import assert from 'node:assert/strict';
import { parsePriceFile } from '../core/cost/price-file.ts';
import type { Prices } from '../core/cost/prices.ts';
import { createPrices } from '../core/cost/prices.ts';
import type { Store } from '../core/store.ts';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, usageOf, type RunBuilder } from './world.ts';

/** Prices of two models of one provider: dollars for a million tokens in and out. */
function pricesOf(input: string, output: string): Prices {
  const model = (id: string) => ({ id, prices: [{ input, output }] });
  const providers = [{ id: 'acme', models: [model('m1'), model('m2')] }];
  return createPrices([parsePriceFile({ format: 1, date: '2026-11-21', providers }, 'suite', 'price-table')]);
}

const prices = pricesOf('$3', '$15');
const call = { provider: 'acme', model: 'm1', usage: usageOf(1000, 100) };
const callNanoUsd = 1000 * 3000 + 100 * 15_000;
const told = (nanoUsd: number) => ({ nanoUsd, status: 'actual', source: 'provider-response' }) as const;

async function costsOf(store: Store, runId: string): Promise<(number | null)[]> {
  return (await store.listSteps('default', runId)).map(({ cost }) => cost?.nanoUsd ?? null);
}

/** A run with an estimated, a told and a refused call, a tool, and optionally a call without a price. */
function buildRun(isUnknownToo: boolean): RunBuilder {
  const run = createWorld()
    .run()
    .step(call)
    .step({ ...call, model: 'm2', cost: told(7) })
    .step({ ...call, status: 'error', usage: null, error: { ...errorOf('no'), status: 429 } })
    .step({ kind: 'tool', name: 'look' });
  return (isUnknownToo ? run.step({ ...call, model: 'm3' }) : run).end();
}

/** Costs: estimated at import and at rebuild by the prices a store was given, told ones above all. */
export function describeCost({ api: { describe, it }, withStore, withPrices, reopen }: SuiteContext): void {
  describe('cost', () => {
    it(
      'is estimated at import, names its prices, and a rebuild gives the same (I11)',
      withPrices(prices, async (store) => {
        const run = buildRun(false);
        await importAll(store, run);
        const steps = await store.listSteps('default', run.id);
        assert.deepEqual(
          steps.map(({ cost }) => cost),
          [
            {
              nanoUsd: callNanoUsd,
              status: 'estimated',
              source: 'price-table',
              table: prices.version,
              reason: null,
            },
            { ...told(7), table: null, reason: null },
            { nanoUsd: 0, status: 'estimated', source: 'price-table', table: prices.version, reason: null },
            null,
          ],
        );
        const view = await store.getRun('default', run.id);
        assert.deepEqual(
          [view.costNanoUsd, view.costKnownNanoUsd, view.counts.unpriced],
          [callNanoUsd + 7, callNanoUsd + 7, 0],
        );
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
        assert.deepEqual(await store.getRun('default', run.id), view);
      }),
    );

    it(
      'of one unknown call makes the sum unknown; what is known stands beside it (I12)',
      withPrices(prices, async (store) => {
        const run = buildRun(true);
        await importAll(store, run);
        const view = await store.getRun('default', run.id);
        assert.deepEqual([view.costNanoUsd, view.costKnownNanoUsd, view.counts.unpriced], [null, callNanoUsd + 7, 1]);
        const last = (await store.listSteps('default', run.id)).at(-1)!;
        assert.deepEqual(
          [last.cost!.status, last.cost!.nanoUsd, last.cost!.reason],
          ['unknown', null, 'model-unpriced'],
        );
        const rows = await store.totals('default', { by: 'model' });
        assert.deepEqual(
          rows.map(({ key, costNanoUsd, costKnownNanoUsd }) => [key, costNanoUsd, costKnownNanoUsd]),
          [
            ['m1', callNanoUsd, callNanoUsd],
            ['m2', 7, 7],
            ['m3', null, 0],
          ],
        );
      }),
    );

    it(
      'that became known afterwards takes the place of an estimate, and keeps it',
      withPrices(prices, async (store) => {
        const run = createWorld().run().step(call);
        const stepId = run.lastStepId;
        run.end();
        await importAll(store, run);
        const cost = { nanoUsd: 11, status: 'actual', source: 'provider-api' };
        await importAll(store, run.emit('cost-actual', { stepId, facts: { cost } }));
        const facts = { status: 'completed', usage: usageOf(5000, 5000), cost: null };
        await importAll(store, run.emit('step-end', { stepId, facts }));
        assert.deepEqual((await store.getStep('default', run.id, 1)).cost, { ...cost, table: null, reason: null });
        assert.equal((await store.getRun('default', run.id)).costNanoUsd, 11);
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
      }),
    );

    it(
      'without prices is only what the record tells',
      withStore(async (store) => {
        const run = buildRun(false);
        await importAll(store, run);
        assert.deepEqual(await costsOf(store, run.id), [null, 7, null, null]);
        assert.equal((await store.getRun('default', run.id)).costNanoUsd, null);
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
      }),
    );

    it(
      'keeps what was told when words are erased; estimates go with the model’s name',
      withPrices(prices, async (store) => {
        const run = buildRun(false);
        await importAll(store, run);
        await store.eraseRun('default', run.id);
        assert.deepEqual((await costsOf(store, run.id)).slice(0, 2), [null, 7]);
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
      }),
    );

    if (reopen === null) return;
    it(
      'is rebuilt by other prices, which touches nothing else',
      withPrices(prices, async (store) => {
        const run = buildRun(false);
        await importAll(store, run);
        const before = await store.listSteps('default', run.id);
        const events = await store.listEvents('default', run.id);
        const cheaper = pricesOf('$1', '$2');
        const again = await reopen(store, { prices: cheaper });
        try {
          await again.initialize();
          assert.deepEqual([...(await again.rebuildRun('default', run.id))].sort(), [
            'run.costKnownNanoUsd',
            'run.costNanoUsd',
            'step 1.cost',
            'step 3.cost',
          ]);
          assert.deepEqual(await costsOf(again, run.id), [1000 * 1000 + 100 * 2000, 7, 0, null]);
          const after = await again.listSteps('default', run.id);
          assert.deepEqual(
            after.map((step) => ({ ...step, cost: null })),
            before.map((step) => ({ ...step, cost: null })),
          );
          assert.deepEqual(await again.listEvents('default', run.id), events);
        } finally {
          await again.close();
        }
      }),
    );
  });
}
