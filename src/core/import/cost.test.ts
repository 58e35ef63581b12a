import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { parsePriceFile } from '../cost/price-file.ts';
import { createPrices } from '../cost/prices.ts';
import { costOfStep } from '../cost/step-cost.ts';
import type { JournalEntry } from '../journal.ts';
import { createMemoryJournal } from '../memory-journal.ts';
import type { StepView } from '../model/step.ts';
import { toUsage } from '../model/usage.ts';
import { createRecorder } from '../record/recorder.ts';
import type { Recorder, RunRecorder, StepFinish, StepRecorder, StepStart } from '../record/recording.ts';
import type { Store } from '../store.ts';

const price = { input: '$3', cachedInput: '$0.30', output: '$15' };
const prices = createPrices([
  parsePriceFile(
    {
      format: 1,
      date: '2026-11-21',
      providers: [
        { id: 'acme', models: [{ id: 'm', prices: [price] }] },
        { id: 'acme-cloud', aliases: ['acme.cloud*'], models: [{ id: 'm', prices: [{ ...price, input: '$4' }] }] },
      ],
    },
    'test',
    'price-table',
  ),
]);

const usage = toUsage({ total: 1000, noCache: 400, cacheRead: 600 }, { total: 100 });
const nanoUsd = 400 * 3000 + 600 * 300 + 100 * 15_000;
const estimated = { nanoUsd, status: 'estimated', source: 'price-table', table: prices.version, reason: null };

let entries: JournalEntry[];
let recorder: Recorder;
let run: RunRecorder;
beforeEach(() => {
  const journal = createMemoryJournal();
  entries = journal.entries as JournalEntry[];
  recorder = createRecorder({
    contentKey: new Uint8Array(32),
    journal,
  });
  run = recorder.startRun({ agentId: 'a' });
});

const call = (start: Partial<StepStart> = {}): StepRecorder =>
  run.step({ kind: 'model', operation: 'generate', provider: 'acme', model: 'm', ...start });
const finish = (step: StepRecorder, end: Partial<StepFinish> = {}): StepRecorder => {
  step.finish({ status: 'completed', usage, ...end });
  return step;
};

/** Imports what was recorded, one entry after the other, and checks that a rebuild gives the same (I11). */
async function importAll(
  order: readonly JournalEntry[] = entries,
): Promise<{ store: Store; steps: readonly StepView[] }> {
  const store = createMemoryStore({ prices });
  await store.initialize();
  for (const entry of order) await store.importBatch({ projectId: 'default', entries: [entry], position: null });
  expect(await store.rebuildRun('default', run.id)).toEqual([]);
  return { store, steps: await store.listSteps('default', run.id) };
}

const costOfFirst = async (): Promise<StepView['cost']> => (await importAll()).steps[0]!.cost;

describe('the cost of a step', () => {
  it('is estimated when it ends, not before', async () => {
    const step = call();
    expect(await costOfFirst()).toBeNull();
    finish(step);
    expect(await costOfFirst()).toEqual(estimated);
  });

  it('is never the estimate of before: with other prices it is another, without prices there is none', async () => {
    finish(call());
    const { steps } = await importAll();
    expect(costOfStep(steps[0]!, prices)).toEqual(estimated);
    expect(costOfStep(steps[0]!, null)).toBeNull();
    const none = createPrices([]);
    expect(costOfStep(steps[0]!, none)).toMatchObject({ nanoUsd: null, table: none.version });
  });

  it('is what its recorder told, whatever the prices', async () => {
    finish(call(), { cost: { nanoUsd: 5, status: 'actual', source: 'contract' } });
    expect(await costOfFirst()).toEqual({
      nanoUsd: 5,
      status: 'actual',
      source: 'contract',
      table: null,
      reason: null,
    });
  });

  it('is what the provider said in its usage or beside its answer', async () => {
    finish(call(), { usageRaw: { cost: 0.0005 } });
    finish(call(), { metadata: { providerMetadata: { gateway: { cost: '0.0007' } } } });
    const { steps } = await importAll();
    expect(steps.map(({ cost }) => cost)).toEqual(
      [500_000, 700_000].map((told) => ({
        nanoUsd: told,
        status: 'actual',
        source: 'provider-response',
        table: null,
        reason: null,
      })),
    );
  });

  it('goes by the cloud that resells a model, not by its maker', async () => {
    finish(call({ metadata: { sdkProvider: 'acme.cloud.chat' } }));
    expect((await costOfFirst())!.nanoUsd).toBe(nanoUsd + 400 * 1000);
  });

  it('goes by the model that served', async () => {
    finish(call({ model: 'asked' }), { model: 'm' });
    finish(call({ model: 'm' }), { model: 'served' });
    const { steps } = await importAll();
    expect(steps.map(({ cost }) => cost!.reason)).toEqual([null, 'model-unpriced']);
  });

  it('is 0 when the provider refused, and unknown when nobody knows what was used (I12)', async () => {
    const refused = Object.assign(new Error('slow down'), { statusCode: 429 });
    finish(call(), { status: 'error', usage: null, error: refused });
    finish(call(), { status: 'error', usage: null, error: new Error('connection reset') });
    finish(call(), { status: 'interrupted', usage: null });
    const { steps, store } = await importAll();
    expect(steps.map(({ cost }) => [cost!.nanoUsd, cost!.status, cost!.reason])).toEqual([
      [0, 'estimated', null],
      [null, 'unknown', 'usage-missing'],
      [null, 'unknown', 'usage-missing'],
    ]);
    expect(await store.getRun('default', run.id)).toMatchObject({ costNanoUsd: null, counts: { unpriced: 2 } });
  });

  it('follows a second try: its counts, and its cost in place of the first one’s', async () => {
    const step = finish(call(), { status: 'error', usageRaw: { cost: 0.001 }, error: new Error('cut') });
    expect((await costOfFirst())!.nanoUsd).toBe(1_000_000);
    finish(step);
    expect(await costOfFirst()).toMatchObject({ nanoUsd: 1_000_000 });
    finish(step, { usageRaw: { prompt_tokens: 1000 } });
    expect(await costOfFirst()).toEqual(estimated);
  });

  it('that becomes known afterwards wins, also over a later end and after the run’s end', async () => {
    const step = finish(call());
    run.close({ endReason: 'ok' });
    step.actualCost({ nanoUsd: 11.4 });
    const told = { nanoUsd: 11, status: 'actual', source: 'provider-api', table: null, reason: null };
    expect(await costOfFirst()).toEqual(told);
    finish(step, { usage: toUsage({ total: 9 }, { total: 9 }), usageRaw: { cost: 5 } });
    const { store, steps } = await importAll();
    expect(steps[0]!.cost).toEqual(told);
    expect(await store.getRun('default', run.id)).toMatchObject({ costNanoUsd: 11, status: 'completed' });
  });

  it('is not taken from what is no amount', async () => {
    const step = finish(call());
    for (const wrong of [-1, Number.NaN, '5', null]) step.actualCost({ nanoUsd: wrong as number });
    step.actualCost(undefined as never);
    expect(entries.filter(({ event }) => event.header.type === 'cost-actual')).toEqual([]);
    expect(await costOfFirst()).toEqual(estimated);
  });
});

it('gives the same sums however the entries arrive, and rebuild equals the rows (I11)', async () => {
  finish(call());
  finish(call(), { cost: { nanoUsd: 7, status: 'actual', source: 'provider-response' } });
  finish(call({ model: 'other' })).actualCost({ nanoUsd: 3, source: 'contract' });
  finish(run.tool({ name: 'look' }), { usage: null });
  run.close({ endReason: 'ok' });
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(entries, { minLength: entries.length }), async (shuffled) => {
      const { store } = await importAll(shuffled);
      expect(await store.getRun('default', run.id)).toMatchObject({
        costNanoUsd: nanoUsd + 10,
        costKnownNanoUsd: nanoUsd + 10,
        counts: { unpriced: 0 },
      });
    }),
    { numRuns: 40 },
  );
});
