import { generateText } from 'ai';
import { expect, test } from 'vitest';
import { createScriptedModel, say } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { mixtureOfAgents } from '../../capture/moa/index.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { parsePriceFile } from '../cost/price-file.ts';
import { createPrices } from '../cost/prices.ts';
import { sumOfRuns } from '../cost/sum.ts';
import { blankStep } from './blank.ts';
import { countedIn, countOnce } from './counted-once.ts';

const { record } = createSdkStage();
const runId = '0199a000-0000-7000-8000-000000000000';
const blank = blankStep({ runId, stepId: runId, number: 1, timeMs: 0, seq: 1 });

test('only an id of a run, in its place, moves a step’s sums', () => {
  const toStep = (told: unknown) => ({ ...blank, metadata: { providerMetadata: { tachograph: told } } });
  expect(countedIn(toStep({ countedIn: runId }))).toBe(runId);
  for (const told of [null, {}, { countedIn: 7 }, { countedIn: 'somewhere' }, runId])
    expect(countOnce(toStep(told))).toEqual(toStep(told));
});

test('a call under a mixture is counted once: in run tree, session and totals', async () => {
  const recording = record();
  const model = mixtureOfAgents({
    references: [createScriptedModel([say('Yes.')]), createScriptedModel([say('No.')])],
    aggregator: createScriptedModel([say('Perhaps.')]),
    recorder: recording.recorder,
  });
  await generateText({ model, prompt: 'Which?' });
  const models = [{ id: 'scripted-1-served', prices: [{ input: '$1', cachedInput: '$1', output: '$1' }] }];
  const file = { format: 1, date: '2026-11-21', providers: [{ id: 'scripted', aliases: ['scripted.*'], models }] };
  const store = createMemoryStore({ prices: createPrices([parsePriceFile(file, 'test', 'price-table')]) });
  await store.initialize();
  await store.importBatch({ projectId: 'default', entries: recording.journal.entries, position: null });

  const callNanoUsd = 15 * 1000;
  const { items: runs } = await store.listRuns('default', {}, {});
  expect(sumOfRuns(runs)).toEqual({ runs: 2, costNanoUsd: 3 * callNanoUsd, costKnownNanoUsd: 3 * callNanoUsd });
  const caller = runs.find(({ parentRunId }) => parentRunId === null)!;
  const turn = runs.find(({ kind }) => kind === 'moa_turn')!;
  expect([caller.usage.input.total, caller.costNanoUsd, caller.counts.unpriced]).toEqual([null, 0, 0]);
  expect([turn.usage.input.total, turn.costNanoUsd]).toEqual([30, 3 * callNanoUsd]);
  const [step] = await store.listSteps('default', caller.id);
  expect(countedIn(step!)).toBe(turn.id);
  for (const by of ['model', 'agent', 'day'] as const) {
    const rows = await store.totals('default', { by });
    expect(rows.reduce((sum, { usage }) => sum + (usage.input.total ?? 0), 0)).toBe(30);
    expect(rows.reduce((sum, { costNanoUsd }) => sum + costNanoUsd!, 0)).toBe(3 * callNanoUsd);
  }
});
