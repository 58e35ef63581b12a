import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Store } from '../../src/core/store.ts';
import { isLeased, isTerminal } from '../../src/core/work/state.ts';
import { toEnd, toReap, toRelease, toSleep } from '../../src/core/work/transition.ts';
import type { WorkRow } from '../../src/core/work/work.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { createWorkWorld, memoOf, type WorkWorld } from '../../src/testing/work/work-world.ts';

/*
 * Commands run on a store and on the plain model of it in memory. Times differ between the two, so what is compared is all
 * else; every run has a priority of its own, so that the order of claims does not hang on times.
 */

const commandNames = [
  'create',
  'claim',
  'claim-lost',
  'heartbeat',
  'complete',
  'cancel',
  'reap',
  'sleep',
  'release',
  'signal',
  'memo',
  'file',
] as const;

interface Command {
  readonly name: (typeof commandNames)[number];
  /** Which run, and how many. */
  readonly pick: number;
}

const commands = fc.array(fc.record({ name: fc.constantFrom(...commandNames), pick: fc.nat(7) }), {
  minLength: 10,
  maxLength: 50,
}) satisfies fc.Arbitrary<Command[]>;

type Act = (world: WorkWorld, runId: string, pick: number) => Promise<unknown>;

const changeOf = async (world: WorkWorld, row: WorkRow, next: Parameters<WorkWorld['toChange']>[1], isHeld: boolean) =>
  world.work.change('default', [world.toChange(row, next, isHeld)]);

const ended = (row: WorkRow, endReason: 'ok' | 'cancelled') => toEnd(row, { endReason, nowMs: 5 });

const actByName: Record<Exclude<Command['name'], 'create' | 'reap'>, Act> = {
  claim: async (world, _runId, pick) =>
    (await world.claim({ limit: 1 + (pick % 3), roomByAgent: { a: 2, b: 1 }, runsMaxByAgent: { b: 2 } })).map(
      ({ row }) => row.runId,
    ),
  'claim-lost': async (world) =>
    (await world.claim({ limit: 1, leaseMs: 0, roomByAgent: { a: 1, b: 1 } })).map(({ row }) => row.runId),
  heartbeat: async (world, runId) => {
    const row = await world.row(runId);
    const beats = await world.work.heartbeat('default', [row, { runId, leaseEpoch: row.leaseEpoch + 1 }], 60_000);
    return beats.map(({ isHeld, state }) => ({ isHeld, state }));
  },
  complete: async (world, runId) => {
    const row = await world.row(runId);
    return isLeased(row.state) ? changeOf(world, row, ended(row, 'ok'), true) : null;
  },
  cancel: async (world, runId) => {
    const row = await world.row(runId);
    return isTerminal(row.state) ? null : changeOf(world, row, ended(row, 'cancelled'), false);
  },
  sleep: async (world, runId, pick) => {
    const row = await world.row(runId);
    const sleep = { untilMs: null, signal: `signal ${pick % 2}` };
    return row.state === 'running' ? changeOf(world, row, toSleep(row, sleep), true) : null;
  },
  release: async (world, runId) => {
    const row = await world.row(runId);
    return isLeased(row.state) ? changeOf(world, row, toRelease(row, 5), true) : null;
  },
  signal: (world, runId, pick) =>
    world.work.putSignal('default', {
      id: `id ${pick}`,
      runId,
      name: `signal ${pick % 2}`,
      sealed: Uint8Array.of(1),
      sentAtMs: 1,
    }),
  memo: async (world, runId, pick) => {
    const { leaseEpoch } = await world.row(runId);
    const lease = { runId, leaseEpoch };
    const kept = await world.work.putMemos('default', lease, [
      memoOf(runId, { name: `step ${pick % 3}`, sequence: pick }),
    ]);
    const toMemo = () => memoOf(runId, { name: 'signal', sequence: 9 });
    return [kept, (await world.work.takeSignal('default', { lease, name: `signal ${pick % 2}`, toMemo }))?.id];
  },
  file: async (world) => void (await world.work.file('default')),
};

/** Reaps all that is due; gives the runs it could do something about. */
async function reap(world: WorkWorld): Promise<string[]> {
  const stale = await world.work.listStale(100, null);
  const done: string[] = [];
  for (const { row, nowMs } of stale) {
    const next = toReap(row, nowMs);
    if (next === null || !(await changeOf(world, row, next, false))[0]) continue;
    done.push(row.runId);
  }
  return done.toSorted();
}

/** What of a run does not hang on the clock. */
async function seen(world: WorkWorld, runId: string): Promise<object> {
  const { state, endReason, errorCode, attempts, leaseEpoch, workerId, waitingFor, queueAtMs } = await world.row(runId);
  const memos = (await world.work.listMemos('default', runId)).map(({ name, sequence }) => `${name} ${sequence}`);
  const hasOrder = (await world.work.readOrder('default', runId)) !== null;
  return {
    state,
    endReason,
    errorCode,
    attempts,
    leaseEpoch,
    workerId,
    waitingFor,
    isQueued: queueAtMs !== null,
    memos,
    hasOrder,
  };
}

async function run(store: Store, given: readonly Command[]): Promise<void> {
  const model = createMemoryStore();
  await model.initialize();
  const worlds = [createWorkWorld(model), createWorkWorld(store)] as const;
  const ids: string[] = [];
  for (const { name, pick } of given) {
    const runId = ids[pick % Math.max(1, ids.length)];
    if (name === 'create' || runId === undefined) {
      const agentId = pick % 3 === 0 ? 'b' : 'a';
      const creation = await worlds[0].creation({
        agentId,
        priority: ids.length,
        row: { queueAtMs: 1 },
        idempotencyKey: `${pick}`,
      });
      const answers = await Promise.all(worlds.map(({ work }) => work.create('default', [creation])));
      assert.deepEqual(answers[1], answers[0]);
      if (!answers[0]![0]!.duplicate) ids.push(creation.row.runId);
      continue;
    }
    const act = name === 'reap' ? reap : (world: WorkWorld) => actByName[name](world, runId, pick);
    const expected = await act(worlds[0]);
    assert.deepEqual(await act(worlds[1]), expected, name);
  }
  await worlds[1].work.file('default');
  for (const runId of ids) {
    assert.deepEqual(await seen(worlds[1], runId), await seen(worlds[0], runId));
    const [expected, view] = await Promise.all([model.getRun('default', runId), store.getRun('default', runId)]);
    const { state } = await worlds[1].row(runId);
    assert.deepEqual(
      [view.status, view.work!.attempts, view.counts.events],
      [expected.status, expected.work!.attempts, expected.counts.events],
    );
    assert.equal(view.status, state);
    assert.deepEqual(await store.rebuildRun('default', runId), []);
  }
}

/** Random commands on a fresh store each time; a failure names its seed and the shortest commands that show it. */
export async function compareWithModel(open: () => Promise<Store>, seed: number, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(commands, async (given) => {
    const store = await open();
    try {
      await store.initialize();
      await run(store, given);
    } finally {
      await store.close();
    }
  });
  await fc.assert(property, { seed, numRuns });
}
