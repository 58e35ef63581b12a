import { beforeEach, describe, expect, it } from 'vitest';
import { TachographError } from '../../src/core/error.ts';
import type { Seal, SealHead } from '../../src/core/record/seal.ts';
import type { Store, StoredEvent } from '../../src/core/store.ts';
import { createSealSigner, firstPrevious, sealToDigest } from '../../src/core/verify/seals.ts';
import type { Problem } from '../../src/indexer/importer.ts';
import type { Sealer, SealerParts } from '../../src/indexer/sealer.ts';
import { createSealer } from '../../src/indexer/sealer.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import type { RunBuilder, World } from '../../src/testing/world.ts';
import { createWorld, toBatch } from '../../src/testing/world.ts';

const late = { payload: { type: 'late' } };
const signer = createSealSigner(new Uint8Array(32).fill(4));

let store: Store;
let world: World;
let problems: Problem[];
let calls: string[];
let headByProject: Map<string, SealHead>;
let nowMs: number;
beforeEach(async () => {
  store = createMemoryStore();
  await store.initialize();
  world = createWorld();
  problems = [];
  calls = [];
  headByProject = new Map();
  nowMs = 0;
});

/** A sealer of one home over the store, with some of its methods in place of the store's own. */
function open(over: Partial<Store> = {}, parts: Partial<SealerParts> = {}): Sealer {
  return createSealer({
    store: { ...store, ...over },
    clock: { nowMs: () => 1, monotonicMs: () => nowMs },
    signerOf: () => signer,
    heads: {
      read: (projectId) => {
        calls.push('read head');
        return headByProject.get(projectId) ?? null;
      },
      write: (projectId, head) => {
        calls.push('write head');
        headByProject.set(projectId, head);
      },
    },
    onProblem: (problem) => void problems.push(problem),
    ...parts,
  });
}

const entriesOf = async (...builders: RunBuilder[]): Promise<void> => {
  await store.importBatch(toBatch(builders.flatMap((builder) => builder.take())));
};

async function ended(count: number): Promise<RunBuilder[]> {
  const runs = Array.from({ length: count }, () => world.run().emit('log', late).end());
  await entriesOf(...runs);
  return runs;
}

const dueIds = async (): Promise<string[]> => (await store.listSealDue(1000)).map(({ runId }) => runId);

/** The seals of the project, each of which follows the one before it. */
async function chainedSeals(): Promise<readonly Seal[]> {
  const seals = await store.listSeals('default');
  for (const [index, { number, previous }] of seals.entries()) {
    const before = seals[index - 1];
    expect([number, previous]).toEqual([index + 1, before === undefined ? firstPrevious : sealToDigest(before)]);
  }
  return seals;
}

/** Reads events as the store has them, but for one that is changed. */
const changing =
  (change: (event: StoredEvent) => StoredEvent): Store['listEventsOfRuns'] =>
  async (projectId, places) => {
    const found = await store.listEventsOfRuns(projectId, places);
    return new Map([...found].map(([runId, events]) => [runId, events.map(change)]));
  };

const broken = (event: StoredEvent): StoredEvent => ({ ...event, digest: new Uint8Array(32) });

describe('a sealer', () => {
  it('seals many runs with few calls, reads the head once a group, and keeps it when the store is synced', async () => {
    const runs = await ended(450);
    const sealer = open({
      readSealing: async (...given) => {
        calls.push(`look at ${given[1].length}`);
        return store.readSealing(...given);
      },
      appendSeals: async (projectId, seals) => {
        calls.push(`keep ${seals.length}`);
        return store.appendSeals(projectId, seals);
      },
      sync: async () => void calls.push('sync'),
    });
    await sealer.sealAll();
    const group = (count: number): string[] => ['read head', `look at ${count}`, `keep ${count}`];
    expect(calls).toEqual([...group(200), ...group(200), ...group(50), 'read head', 'sync', 'write head']);
    expect((await chainedSeals()).map(({ runId }) => runId)).toEqual(runs.map(({ id }) => id));
    expect(headByProject.get('default')!.number).toBe(450);
    expect(await dueIds()).toEqual([]);
    calls = [];
    await sealer.sealAll();
    expect(calls).toEqual([]);
    await ended(1);
    await sealer.sealAll();
    expect(headByProject.get('default')!.number).toBe(451);
  });

  it('reads a run with more events than a group may have alone', async () => {
    const large = world.run();
    for (let n = 0; n < 2100; n += 1) large.emit('log', late);
    const [one, two] = [world.run().end(), large.end()];
    const three = world.run().end();
    await entriesOf(one, two, three);
    const asked: string[][] = [];
    await open({
      listEventsOfRuns: async (projectId, places) => {
        asked.push(places.map(({ runId }) => runId));
        return store.listEventsOfRuns(projectId, places);
      },
    }).sealAll();
    expect(asked).toEqual([[one.id], [two.id], [three.id]]);
    expect(await chainedSeals()).toHaveLength(3);
  });

  it('gives a changed run no seal and tells it, and seals the others of its group', async () => {
    const [first, changed, last] = await ended(3);
    await open({
      listEventsOfRuns: changing((event) =>
        event.header.runId === changed!.id && event.header.n === 2 ? broken(event) : event,
      ),
    }).sealAll();
    expect((await chainedSeals()).map(({ runId }) => runId)).toEqual([first!.id, last!.id]);
    expect(problems).toMatchObject([{ file: `run ${changed!.id}`, message: expect.stringContaining('event 2') }]);
    expect(await dueIds()).toEqual([]);
  });

  it('does the same with a run whose events cannot be followed at all', async () => {
    const [odd, sound] = await ended(2);
    await open({
      listEventsOfRuns: changing((event) =>
        event.header.runId === odd!.id ? { ...event, digest: null as never } : event,
      ),
    }).sealAll();
    expect((await chainedSeals()).map(({ runId }) => runId)).toEqual([sound!.id]);
    expect(problems).toMatchObject([{ file: `run ${odd!.id}`, message: expect.stringContaining('cannot be read') }]);
  });

  it('seals the others of a group alone when the store fails over one of them, which waits on', async () => {
    const [first, damaged, last] = await ended(3);
    let isDamaged = true;
    const sealer = open({
      listEventsOfRuns: async (projectId, places) => {
        if (isDamaged && places.some(({ runId }) => runId === damaged!.id))
          throw new TachographError('store-broken', 'a page of it is no page');
        return store.listEventsOfRuns(projectId, places);
      },
    });
    await expect(sealer.sealAll()).rejects.toMatchObject({ code: 'store-broken' });
    expect((await chainedSeals()).map(({ runId }) => runId)).toEqual([first!.id, last!.id]);
    expect(headByProject.get('default')!.number).toBe(2);
    expect(await dueIds()).toEqual([damaged!.id]);
    isDamaged = false;
    await sealer.sealAll();
    expect(await chainedSeals()).toHaveLength(3);
    expect(await dueIds()).toEqual([]);
  });

  it('asks a store that is busy no more than once, and goes on where it was', async () => {
    await ended(3);
    let asked = 0;
    let isBusy = true;
    const sealer = open({
      appendSeals: async (projectId, seals) => {
        asked += 1;
        if (isBusy) throw new TachographError('store-busy', 'another process writes');
        return store.appendSeals(projectId, seals);
      },
    });
    await expect(sealer.sealAll()).rejects.toMatchObject({ code: 'store-busy' });
    expect(asked).toBe(1);
    isBusy = false;
    await sealer.sealAll();
    expect(await chainedSeals()).toHaveLength(3);
  });

  it('keeps the head of a project whose seals a failure left without one', async () => {
    await ended(201);
    let asked = 0;
    const sealer = open({
      appendSeals: async (projectId, seals) => {
        asked += 1;
        if (asked > 1) throw new TachographError('store-busy', 'another process writes');
        return store.appendSeals(projectId, seals);
      },
    });
    await expect(sealer.sealAll()).rejects.toMatchObject({ code: 'store-busy' });
    for (const runId of await dueIds()) await store.forgetSealDue('default', runId);
    await sealer.sealAll();
    expect(headByProject.get('default')!.number).toBe(200);
  });

  it('looks again when another process took its number, and seals no run twice', async () => {
    const runs = await ended(5);
    const other = open({}, { clock: { nowMs: () => 2, monotonicMs: () => nowMs } });
    let isFirst = true;
    await open({
      appendSeals: async (projectId, seals) => {
        if (isFirst) {
          isFirst = false;
          await other.sealAll();
          await entriesOf(runs[3]!.emit('log', late));
        }
        return store.appendSeals(projectId, seals);
      },
    }).sealAll();
    expect((await chainedSeals()).map(({ runId }) => runId)).toEqual([...runs.map(({ id }) => id), runs[3]!.id]);
    expect(await dueIds()).toEqual([]);
  });

  it('never says fewer words were erased than another process sealed meanwhile', async () => {
    const [run] = await ended(1);
    await open().sealAll();
    await entriesOf(run!.emit('log', late));
    const other = open();
    let isFirst = true;
    await open({
      readSealing: async (projectId, runIds) => {
        const view = await store.readSealing(projectId, runIds);
        if (isFirst) {
          isFirst = false;
          await other.sealErasure({ projectId, runId: run!.id }, 'all');
          await entriesOf(run!.emit('log', late));
        }
        return view;
      },
    }).sealAll();
    expect((await chainedSeals()).map(({ writers }) => [writers[0]!.count, writers[0]!.erased])).toEqual([
      [3, 0],
      [4, 4],
      [5, 4],
    ]);
  });

  it('leaves a run on the list whose next event came while it was sealed', async () => {
    const [run, other] = await ended(2);
    let isFirst = true;
    const sealer = open({
      listEventsOfRuns: async (projectId, places) => {
        const found = await store.listEventsOfRuns(projectId, places);
        if (isFirst) await entriesOf(run!.emit('log', late));
        isFirst = false;
        return found;
      },
    });
    await sealer.sealAll();
    expect(await dueIds()).toEqual([run!.id]);
    await sealer.sealAll();
    expect((await chainedSeals()).map(({ runId, writers }) => [runId, writers[0]!.count])).toEqual([
      [run!.id, 3],
      [other!.id, 3],
      [run!.id, 4],
    ]);
    expect(await dueIds()).toEqual([]);
  });

  it('sees all that is new above a hole, and what fills it', async () => {
    const run = world.run();
    for (let n = 0; n < 6; n += 1) run.emit('log', late);
    const entries = run.end().take();
    const hole = entries.splice(3, 3);
    await store.importBatch(toBatch(entries));
    await open().sealAll();
    for (let n = 0; n < 4; n += 1) run.emit('log', late);
    await entriesOf(run);
    // By the count of what is sealed, only the newest event is new; the one that was changed stands before that place.
    const asked: number[] = [];
    await open({
      listEventsOfRuns: async (projectId, places) => {
        asked.push(places[0]!.fromSeq);
        return changing((event) => (event.header.n === 10 ? broken(event) : event))(projectId, places);
      },
    }).sealAll();
    expect(asked).toEqual([9, 1]);
    expect(problems).toMatchObject([{ message: expect.stringContaining('event 10') }]);
    expect(await chainedSeals()).toHaveLength(1);
    await entriesOf(run.emit('log', late));
    await store.importBatch(toBatch(hole));
    await open().sealAll();
    expect((await chainedSeals()).map(({ writers }) => writers[0]!.count)).toEqual([8, 13]);
  });

  it('lets the late words of an erased run go first, and seals the others after', async () => {
    const runs = await ended(3);
    await open().sealErasure({ projectId: 'default', runId: runs[1]!.id }, 'all');
    await entriesOf(...runs.map((run) => run.emit('log', late)));
    const asked: string[] = [];
    const sealer = open(
      {},
      {
        eraseLate: async (run) => {
          asked.push(run.runId);
          if (asked.length > 1) return false;
          await open().sealErasure(run, 'all');
          await entriesOf(runs[1]!.emit('log', late));
          return true;
        },
      },
    );
    await sealer.sealAll();
    expect(asked).toEqual([runs[1]!.id, runs[1]!.id]);
    const seals = await chainedSeals();
    expect(seals.map(({ runId, writers }) => [runId, writers[0]!.count, writers[0]!.erased])).toEqual([
      [runs[1]!.id, 3, 3],
      [runs[1]!.id, 4, 4],
      [runs[0]!.id, 4, 0],
      [runs[1]!.id, 5, 4],
      [runs[2]!.id, 4, 0],
    ]);
    expect(await dueIds()).toEqual([]);
  });

  it('gives up for now when every number is taken, and leaves what others are at to its next time', async () => {
    await ended(2);
    let asked = 0;
    const sealer = open({
      appendSeals: async () => {
        asked += 1;
        throw new TachographError('end-conflict', 'taken');
      },
    });
    await expect(sealer.sealAll()).rejects.toMatchObject({ code: 'store-busy' });
    expect(asked).toBe(10);
    await sealer.sealSome();
    expect(asked).toBe(11);
    expect(await dueIds()).toHaveLength(2);
  });
});

describe('a sealer that is asked again and again', () => {
  const slow = (ms: number): Partial<Store> => ({
    listEventsOfRuns: async (projectId, places) => {
      nowMs += ms;
      return store.listEventsOfRuns(projectId, places);
    },
  });

  it('rests three times as long as it took, a second at most, and finds more at once', async () => {
    const sealer = open(slow(100));
    await ended(1);
    await sealer.sealSome();
    expect([nowMs, await dueIds()]).toEqual([100, []]);
    await ended(2);
    nowMs = 399;
    await sealer.sealSome();
    expect(await dueIds()).toHaveLength(2);
    nowMs = 400;
    await sealer.sealSome();
    expect(await dueIds()).toEqual([]);
    const slower = open(slow(60_000));
    await ended(1);
    await slower.sealSome();
    await ended(1);
    nowMs += 1000;
    await slower.sealSome();
    expect(await dueIds()).toEqual([]);
  });

  it('rests a quarter of a second after a quick one, and not when there was nothing to seal', async () => {
    const sealer = open();
    await sealer.sealSome();
    await ended(1);
    await sealer.sealSome();
    expect(await dueIds()).toEqual([]);
    await ended(1);
    nowMs = 249;
    await sealer.sealSome();
    expect(await dueIds()).toHaveLength(1);
    nowMs = 250;
    await sealer.sealSome();
    expect(await dueIds()).toEqual([]);
  });

  it('rests only as long as it took while as much waits as it looks at, and never for who waits for all', async () => {
    const sealer = open(slow(100));
    await ended(1201);
    await sealer.sealSome();
    expect([nowMs, (await dueIds()).length]).toEqual([300, 701]);
    nowMs = 599;
    await sealer.sealSome();
    expect(await dueIds()).toHaveLength(701);
    nowMs = 600;
    await sealer.sealSome();
    expect(await dueIds()).toHaveLength(201);
    await sealer.sealAll();
    expect(await dueIds()).toEqual([]);
    expect(await chainedSeals()).toHaveLength(1201);
  });
});
