import { describe, expect, it } from 'vitest';
import type { WorkRow } from '../../src/core/work/work.ts';
import { toClaim } from '../../src/core/work/transition.ts';
import { createWorker, reapOnce } from '../../src/runtime/index.ts';
import { auditRuns, becomesTrue, countEvents, haveEnded, readLedger, readRun } from './work/checker.ts';
import { pause, usePlaces } from './work/places.ts';
import type { Sabotage } from './work/sabotage.ts';
import { onEveryCall } from './work/sabotage.ts';
import type { OpenSite, StoreKind } from './work/site.ts';
import { storeKinds } from './work/site.ts';

// Whoever looks after runs of the dead: two at once, one that dies over it, one with much that it can do nothing about. And
// a run that kills whoever takes it.

const places = usePlaces();

let forsaken = 0;

/** Runs that somebody took and will never be heard of again. */
async function forsake({ parts, runs }: OpenSite, count: number, projectId = 'default'): Promise<string[]> {
  forsaken += 1;
  const agentId = `gone-${forsaken}`;
  const created = await runs.create(
    projectId,
    Array.from({ length: count }, () => ({ agentId, timeoutSeconds: null })),
  );
  const scribe = parts.scribeOf(projectId);
  await parts.work.claim(
    {
      projectId,
      roomByAgent: new Map([[agentId, count]]),
      limit: count,
      projectRunsMax: null,
      runsMaxByAgent: new Map(),
    },
    (rows, nowMs) =>
      rows.map((row: WorkRow) => {
        const start = toClaim(row, { workerId: 'gone', leaseMs: 1, nowMs, handlerVersion: null });
        if (start.type !== 'run-start') throw new TypeError('a claim starts a lease');
        const { entry } = scribe.claim(row, start, { workerId: 'gone', timeMs: nowMs });
        const expected = { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false };
        return { runId: row.runId, expected, next: start.next, entries: [entry] };
      }),
  );
  await pause(20);
  return created.map(({ runId }) => runId);
}

/** How often each of these was claimed back, as the record tells; those that moved once are left out. */
async function findMovedOtherwise(at: OpenSite, runIds: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const runId of runIds) {
    const found = await readRun(at, runId);
    const moves = countEvents(found, 'run-state', 'reclaim');
    if (moves !== 1 || found.row.state !== 'pending')
      wrong.push(`${runId} is ${found.row.state}, moved ${moves} times`);
  }
  return wrong;
}

const isOwn = (projectId: string): boolean => projectId === 'default';

/** Two reapers look at the same moment, and one of them acts when the other is done. */
async function reapTwice(kind: StoreKind, sabotage: Sabotage): Promise<string[]> {
  const site = await places.site(kind);
  const one = await places.open(site, sabotage);
  const two = await places.open(site, sabotage);
  const runIds = await forsake(one, 20);
  const seen = await two.parts.work.listStale(100, null);
  const first = await reapOnce(one.parts, isOwn);
  const late = { ...two.parts, work: { ...two.parts.work, listStale: async () => seen } };
  const second = await reapOnce(late, isOwn);
  const wrong = await findMovedOtherwise(one, runIds);
  return first.reclaimed === runIds.length && second.reclaimed === 0
    ? wrong
    : [...wrong, `${first.reclaimed} and ${second.reclaimed} were claimed back`];
}

describe.each(storeKinds)('two reapers on %s', (kind) => {
  places.it(kind, 'move each run once, one behind the other and both at once', async () => {
    expect(await reapTwice(kind, {})).toEqual([]);
    const site = await places.site(kind);
    const [one, two] = [await places.open(site), await places.open(site)];
    const runIds = await forsake(one, 20);
    const counts = await Promise.all([reapOnce(one.parts, isOwn), reapOnce(two.parts, isOwn)]);
    expect(counts[0].reclaimed + counts[1].reclaimed).toBe(runIds.length);
    expect(await findMovedOtherwise(one, runIds)).toEqual([]);
  });

  places.it(kind, 'move each run once when one of them is killed over it', async () => {
    const site = await places.site(kind);
    const at = await places.open(site);
    for (const isBehind of [true, false]) {
      // It dies with its changes made and its answer not taken, or before it makes them.
      const dieAt = { name: 'change', call: 1, isBehind };
      const victim = places.start(site, { agents: ['count'], leaseMs: 30_000, reapMs: 50, sabotage: { dieAt } });
      await victim.hears('ready');
      const runIds = await forsake(at, 20);
      const other = places.start(site, { agents: ['count'], leaseMs: 30_000, reapMs: 50 });
      await victim.end;
      expect(
        await becomesTrue(async () => {
          for (const runId of runIds)
            if ((await at.parts.work.get('default', runId))!.state !== 'pending') return false;
          return true;
        }),
      ).toBe(true);
      expect(await findMovedOtherwise(at, runIds)).toEqual([]);
      await other.kill();
      for (const runId of runIds) await at.runs.cancel('default', runId);
    }
  });

  places.it(kind, 'find a stale run behind pages of such as nothing can be done about', async () => {
    const site = await places.site(kind);
    const at = await places.open(site);
    // Another's business, and due before.
    await forsake(at, 250, 'noise');
    const [runId] = await forsake(at, 1);
    expect(await reapOnce(at.parts, isOwn)).toEqual({ reclaimed: 1, ended: 0 });
    // Its own business, and the store refuses them.
    const [late] = await forsake(at, 1);
    const refusing = onEveryCall(at.parts.work, {
      before(name, [projectId]) {
        if (name === 'change' && projectId === 'noise') throw new Error('these cannot be changed');
      },
    });
    expect(await reapOnce({ ...at.parts, work: refusing }, () => true)).toEqual({ reclaimed: 1, ended: 0 });
    for (const each of [runId!, late!])
      expect(await at.parts.work.get('default', each)).toMatchObject({ state: 'pending', leaseEpoch: 1 });
  });
});

it('move runs twice when changes are not compared with what is there: the check can fail', async () => {
  expect(await reapTwice('SQLite', { ignoresEpochs: true })).not.toEqual([]);
});

it('miss a run when they look at one page only: the check can fail', async () => {
  const site = await places.site('SQLite');
  const at = await places.open(site, { readsOnePage: true });
  await forsake(at, 250, 'noise');
  await forsake(at, 1);
  expect(await reapOnce(at.parts, isOwn)).toEqual({ reclaimed: 0, ended: 0 });
});

/** A run that kills its worker, and one that fails, among others; a worker that died is started again. */
async function poison(kind: StoreKind) {
  const site = await places.site(kind);
  const at = await places.open(site);
  const [killing, failing] = await at.runs.create('default', [
    { agentId: 'poison', attemptsMax: 2, priority: 1 },
    { agentId: 'broken', attemptsMax: 3 },
  ]);
  const created = await at.runs.create(
    'default',
    Array.from({ length: 60 }, () => ({ agentId: 'count', attemptsMax: 10, input: { steps: 1, ms: 5 } })),
  );
  const others = created.map(({ runId }) => runId);
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      const agents = ['count', 'poison', 'broken'];
      await places.start(site, { agents, leaseMs: 2000, heartbeatMs: 300, concurrency: 2 }).end;
    }
  };
  void work();
  const isEnded = await haveEnded(at, [killing!.runId, failing!.runId, ...others], { withinMs: 50_000 });
  isOver = true;
  return { site, at, killing: killing!.runId, failing: failing!.runId, others, isEnded };
}

describe.each(storeKinds)('a run that kills its worker on %s', (kind) => {
  places.it(kind, 'ends when its attempts are used up, and the others are done', async () => {
    const { site, at, killing, failing, others, isEnded } = await poison(kind);
    expect(isEnded).toBe(true);
    const { work } = at.parts;
    expect(await work.get('default', killing)).toMatchObject({ state: 'failed', errorCode: 'E-RUN-002', attempts: 2 });
    expect(await work.get('default', failing)).toMatchObject({ state: 'failed', errorCode: 'E-RUN-001', attempts: 3 });
    // Nine in ten of all handlers that were begun were begun for runs that can be done.
    const ledger = readLedger(site);
    const begun = others.reduce((sum, runId) => sum + ledger.begins(runId), 0);
    expect(begun / (begun + ledger.begins(killing) + ledger.begins(failing))).toBeGreaterThanOrEqual(0.9);
    for (const runId of others) expect(ledger.effects('note', runId)).toBe(1);
    expect(await auditRuns(site, [killing, failing, ...others])).toEqual([]);
  });
});

it('goes on for ever when attempts are not counted: the check can fail', async () => {
  const site = await places.site('SQLite');
  const at = await places.open(site, { forgetsAttempts: true });
  const { runId } = await at.runs.create('default', { agentId: 'broken', attemptsMax: 3 });
  let begun = 0;
  const worker = createWorker(at.parts, {
    projectIds: ['default'],
    pollMs: 20,
    agents: {
      broken: {
        retry: { paceByClass: { other: { baseMs: 1, maxMs: 2 } } },
        run() {
          begun += 1;
          throw new Error('no');
        },
      },
    },
  });
  await worker.start();
  expect(await becomesTrue(() => begun > 5)).toBe(true);
  expect((await at.parts.work.get('default', runId))!.state).not.toBe('failed');
  await worker.stop({ graceMs: 0 });
});
