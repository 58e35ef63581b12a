import { afterEach, describe, expect, it } from 'vitest';
import type { Journal, JournalEntry } from '../../core/journal.ts';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import type { ImportBatch, Store } from '../../core/store.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import type { LeasedRecorder } from './leased-recorder.ts';
import { createLeasedRecorder } from './leased-recorder.ts';

const projectId = 'default';
let recorder: LeasedRecorder;

afterEach(async () => {
  await recorder.close();
});

async function openStore(): Promise<Store> {
  const store = createMemoryStore();
  await store.initialize();
  return store;
}

describe('a leased recorder', () => {
  it('has brought what it recorded into the store when it says so', async () => {
    const store = await openStore();
    const journal = createMemoryJournal();
    recorder = createLeasedRecorder({ journal, store, projectId, lagMs: 60_000 });
    const run = recorder.startRun({ agentId: 'agent' });
    run.step({ kind: 'phase', name: 'one' });
    expect(journal.entries).toHaveLength(2);
    await recorder.settle();
    expect((await store.getRun(projectId, run.id)).counts).toMatchObject({ steps: 1, openSteps: 1 });
    await recorder.settle();
  });

  it('brings it soon also when nobody waits', async () => {
    const store = await openStore();
    recorder = createLeasedRecorder({ journal: createMemoryJournal(), store, projectId, lagMs: 1 });
    const run = recorder.startRun({ agentId: 'agent' });
    await expect.poll(() => store.countRuns(projectId, {})).toBe(1);
    expect((await store.getRun(projectId, run.id)).status).toBe('running');
  });

  it('writes one batch at a time, in order, with all that came meanwhile', async () => {
    const batches: number[] = [];
    let underWay = 0;
    let most = 0;
    const importBatch = async ({ entries }: ImportBatch) => {
      most = Math.max(most, (underWay += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      batches.push(entries.length);
      underWay -= 1;
      return { events: 0, duplicates: 0, contents: 0, changedRuns: [], runsToSeal: [] };
    };
    recorder = createLeasedRecorder({ journal: createMemoryJournal(), store: { importBatch }, projectId });
    const run = recorder.startRun({ agentId: 'agent' });
    const first = recorder.settle();
    for (let index = 0; index < 50; index += 1) run.log('more', { index });
    await Promise.all([first, recorder.settle(), recorder.settle()]);
    expect({ batches, most }).toEqual({ batches: [1, 50], most: 1 });
  });

  it('gives out what a run has not brought yet, to be written with its end, and takes it back', async () => {
    const store = await openStore();
    recorder = createLeasedRecorder({ journal: createMemoryJournal(), store, projectId, lagMs: 60_000 });
    const [one, two] = [recorder.startRun({ agentId: 'one' }), recorder.startRun({ agentId: 'two' })];
    one.log('more');
    const taken = await recorder.take(new Set([one.id]));
    expect(taken.entriesByRun.get(one.id)?.map(({ event }) => event.header.n)).toEqual([1, 2]);
    taken.done(false);
    await recorder.settle();
    expect((await store.listRuns(projectId, {}, {})).items.map(({ agentId }) => agentId)).toEqual(['two']);
    recorder.putBack(taken.entriesByRun.get(one.id)!);
    await recorder.settle();
    expect((await store.getRun(projectId, one.id)).counts).toMatchObject({ events: 2, missing: 0 });
    const nothing = await recorder.take(new Set([one.id, two.id]));
    nothing.done(false);
    expect(nothing.entriesByRun.size).toBe(0);
  });

  it('gives out with it what others bring and it may name, until that is in the store', async () => {
    const store = await openStore();
    recorder = createLeasedRecorder({ journal: createMemoryJournal(), store, projectId, lagMs: 60_000 });
    const [one, two] = [recorder.startRun({ agentId: 'one' }), recorder.startRun({ agentId: 'two' })];
    for (const run of [one, two])
      run.step({ kind: 'phase', name: 'same' }).finish({ status: 'completed', result: 'ice' });
    const count = (brought: readonly { readonly contents: readonly unknown[] }[]): number =>
      brought.reduce((sum, { contents }) => sum + contents.length, 0);
    const first = await recorder.take(new Set([two.id]));
    expect(count(first.entriesByRun.get(two.id)!)).toBe(0);
    expect(count(first.others())).toBe(1);
    first.done(false);
    const second = await recorder.take(new Set([two.id]));
    expect(count(second.others())).toBe(1);
    second.done(true);
    const third = await recorder.take(new Set([two.id]));
    expect(count(third.others())).toBe(0);
    third.done(true);
  });

  it('brings nothing that may name what is on its way into the store otherwise', async () => {
    const store = await openStore();
    recorder = createLeasedRecorder({ journal: createMemoryJournal(), store, projectId, lagMs: 60_000 });
    const [one, two] = [recorder.startRun({ agentId: 'one' }), recorder.startRun({ agentId: 'two' })];
    const taken = await recorder.take(new Set([one.id]));
    let isSettled = false;
    const settled = recorder.settle().then(() => (isSettled = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isSettled).toBe(false);
    taken.done(true);
    await settled;
    expect((await store.getRun(projectId, two.id)).status).toBe('running');
  });

  it('brings what waits between ends that come without a pause', async () => {
    const store = await openStore();
    recorder = createLeasedRecorder({ journal: createMemoryJournal(), store, projectId, lagMs: 60_000 });
    const runs = ['one', 'two', 'three'].map((agentId) => recorder.startRun({ agentId }));
    const [one, two, three] = runs.map(({ id }) => new Set([id]));
    const first = await recorder.take(one!);
    const settled = recorder.settle();
    const second = recorder.take(two!);
    first.done(true);
    // Whether it was brought before or comes along with its end: it is in one place, and nobody waits for ever.
    await settled;
    expect((await second).entriesByRun.size).toBe(0);
    expect((await store.listRuns(projectId, {}, {})).items.map(({ agentId }) => agentId).sort()).toEqual([
      'three',
      'two',
    ]);
    (await second).done(true);
    const third = await recorder.take(three!);
    third.done(true);
    expect(third.entriesByRun.size).toBe(0);
  });

  it('carries to the store what its journal lost, and does not tell of a loss that was none', async () => {
    const store = await openStore();
    const inner = createMemoryJournal();
    let isBroken = false;
    let lost: string[] = [];
    const journal: Journal = {
      ...inner,
      append(entry: JournalEntry) {
        if (!isBroken) return inner.append(entry);
        lost.push(entry.event.header.runId);
        return 'lost';
      },
      takeLoss() {
        if (isBroken || lost.length === 0) return null;
        const eventsByRun = new Map([[lost[0]!, lost.length]]);
        lost = [];
        return { reason: 'disk-full', eventsByRun, contents: 0, bytes: 0, sinceMs: 0, untilMs: 0 };
      },
    };
    recorder = createLeasedRecorder({ journal, store, projectId });
    const run = recorder.startRun({ agentId: 'agent' });
    isBroken = true;
    run.step({ kind: 'phase', name: 'kept' }).finish({ status: 'completed' });
    isBroken = false;
    run.close({ endReason: 'ok' });
    await recorder.settle();
    const { status, counts } = await store.getRun(projectId, run.id);
    expect({ status, counts }).toMatchObject({
      status: 'completed',
      counts: { steps: 1, missing: 0, gaps: 0, events: 4 },
    });
  });

  it('says that nothing may go on while the store is away, and brings all of it afterwards', async () => {
    const store = await openStore();
    let isAway = true;
    const importBatch = (batch: ImportBatch) =>
      isAway ? Promise.reject(new Error('the line is cut')) : store.importBatch(batch);
    recorder = createLeasedRecorder({
      journal: createMemoryJournal(),
      store: { importBatch },
      projectId,
      settleMs: 60,
    });
    const run = recorder.startRun({ agentId: 'agent' });
    await expect(recorder.settle()).rejects.toMatchObject({ code: 'E-RUN-007', cause: { message: 'the line is cut' } });
    run.log('later');
    isAway = false;
    await expect
      .poll(() =>
        recorder.settle().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    expect((await store.getRun(projectId, run.id)).counts.events).toBe(2);
  });

  it('keeps no more than its bound in memory, and counts what nobody has', async () => {
    const journal: Journal = { ...createMemoryJournal(), append: () => 'lost', takeLoss: () => null };
    const importBatch = () => Promise.reject(new Error('away'));
    recorder = createLeasedRecorder({
      journal,
      store: { importBatch },
      projectId,
      settleMs: 20,
      limits: { backlogBytesMax: 20_000 },
    });
    const run = recorder.startRun({ agentId: 'agent' });
    for (let index = 0; index < 200; index += 1) run.log('more', { index });
    await expect(recorder.settle()).rejects.toMatchObject({ code: 'E-RUN-007' });
    expect(run.losses).toBeGreaterThan(100);
  });
});
