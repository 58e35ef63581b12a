import assert from 'node:assert/strict';
import type { JournalEntry } from '../core/journal.ts';
import type { RunStatus } from '../core/model/run.ts';
import type { Store } from '../core/store.ts';
import { readPages } from './list-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, errorOf, toBatch, worldStartMs, type RunBuilder, type World } from './world.ts';

/** A repeatable source of numbers in [0, 1): mulberry32. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the small model believes of a run. */
interface ModelRun {
  readonly builder: RunBuilder;
  readonly timeMs: number;
  readonly agentId: string;
  readonly imported: Set<number>;
  status: RunStatus;
  erased: boolean;
  pinned: boolean;
}

interface Model {
  readonly world: World;
  readonly runs: ModelRun[];
  readonly pick: (below: number) => number;
}

const words = ['alpha', 'beta', 'gamma', 'delta'] as const;

function startRun(model: Model): void {
  const agentId = `agent ${model.pick(3)}`;
  const timeMs = worldStartMs + model.pick(20);
  const builder = model.world.run({ agentId, timeMs });
  model.runs.push({ builder, timeMs, agentId, imported: new Set(), status: 'running', erased: false, pinned: false });
}

function record(model: Model, run: ModelRun): void {
  const word = words[model.pick(words.length)]!;
  const choice = model.pick(4);
  if (choice === 0) run.builder.step({ messages: ['system', word], output: [word] });
  else if (choice === 1) run.builder.step({ kind: 'tool', args: { word }, result: word });
  else if (choice === 2) run.builder.step({ status: 'error', error: errorOf(word) });
  else run.builder.end(model.pick(2) === 0 ? 'ok' : 'error');
}

async function importSome(store: Store, model: Model, run: ModelRun): Promise<void> {
  const { entries } = run.builder;
  // The creation comes first, so that the model knows the run's agent and time.
  const from = run.imported.has(1) ? model.pick(entries.length) : 0;
  const slice = entries.slice(from, from + 1 + model.pick(8));
  const isNew = (entry: JournalEntry): boolean => !run.imported.has(entry.event.header.n);
  const result = await store.importBatch(toBatch(slice));
  assert.equal(result.events, slice.filter(isNew).length);
  assert.equal(result.duplicates, slice.length - result.events);
  for (const { event } of slice.filter(isNew)) {
    run.imported.add(event.header.n);
    if (event.header.type !== 'run-end' || run.status !== 'running') continue;
    run.status = event.header.facts!.includes('"ok"') ? 'completed' : 'failed';
  }
}

async function purgeSome(store: Store, model: Model): Promise<void> {
  const beforeMs = worldStartMs + model.pick(20);
  const limit = 1 + model.pick(3);
  const order = (a: ModelRun, b: ModelRun): number => a.timeMs - b.timeMs || (a.builder.id < b.builder.id ? -1 : 1);
  const going = model.runs
    .filter((run) => run.imported.has(1) && run.timeMs < beforeMs && !run.pinned)
    .sort(order)
    .slice(0, limit);
  assert.equal(await store.purge({ projectId: 'default', beforeMs, limit }), going.length);
  for (const run of going) model.runs.splice(model.runs.indexOf(run), 1);
}

async function act(store: Store, model: Model): Promise<void> {
  const choice = model.pick(20);
  const run = model.runs[model.pick(model.runs.length)];
  if (run === undefined || choice < 3) return startRun(model);
  if (choice < 9) return record(model, run);
  if (choice < 16) return importSome(store, model, run);
  // What follows needs a run whose creation has arrived.
  if (!run.imported.has(1)) return;
  if (choice === 16) {
    await store.eraseRun('default', run.builder.id);
    run.erased = true;
  } else if (choice === 17) {
    await purgeSome(store, model);
  } else if (choice === 18) {
    const { id } = run.builder;
    await store.putAnnotation('default', {
      id,
      runId: id,
      stepId: null,
      kind: 'pin',
      name: null,
      value: null,
      author: null,
      createdAtMs: 1,
      updatedAtMs: 1,
    });
    run.pinned = true;
  } else {
    assert.deepEqual(await store.rebuildRun('default', run.builder.id), []);
  }
}

async function compare(store: Store, model: Model): Promise<void> {
  const stored = model.runs.filter((run) => run.imported.size > 0);
  assert.equal(await store.countRuns('default', {}), stored.length);
  const known = stored.filter((run) => run.imported.has(1));
  for (const run of stored) {
    const events = await store.listEvents('default', run.builder.id);
    assert.deepEqual(
      events.map((event) => event.seq),
      events.map((_, index) => index + 1),
    );
    assert.deepEqual(new Set(events.map((event) => event.header.n)), run.imported);
    const steps = await store.listSteps('default', run.builder.id);
    assert.deepEqual(
      steps.map((step) => step.number),
      steps.map((_, index) => index + 1),
    );
    assert.equal((await store.getRun('default', run.builder.id)).status, run.status);
  }
  const agentId = 'agent 1';
  const expected = known
    .filter((run) => run.agentId === agentId && !run.erased)
    .sort((a, b) => b.timeMs - a.timeMs || (a.builder.id < b.builder.id ? 1 : -1));
  assert.deepEqual(
    await readPages(store, { agentId }, { limit: 3 }),
    expected.map((run) => run.builder.id),
  );
}

/** Random commands on the store and on a small model of it; both must agree after each round. */
export function describeModel({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('model', () => {
    for (const seed of [1, 2, 3, 4]) {
      it(
        `agrees with a small model of itself (seed ${seed})`,
        withStore(async (store) => {
          const random = createRandom(seed);
          const model: Model = { world: createWorld(), runs: [], pick: (below) => Math.floor(random() * below) };
          for (let round = 0; round < 20; round += 1) {
            for (let step = 0; step < 15; step += 1) await act(store, model);
            await compare(store, model);
          }
        }),
      );
    }
  });
}
