import { describe, expect, it } from 'vitest';
import { auditRuns, becomesTrue, countEvents, haveEnded, readLedger, readRun } from './work/checker.ts';
import { pause, usePlaces } from './work/places.ts';
import type { Sabotage } from './work/sabotage.ts';
import type { StoreKind } from './work/site.ts';
import { storeKinds } from './work/site.ts';

// A worker that is stopped past its lease and goes on, handlers that never come back, and clocks that are wrong.

const places = usePlaces();
const isHeld = { memo: false, beat: false, change: false, step: false, tool: false, fence: false, child: false };

/** A worker sleeps past its lease, another does its run, and the first goes on: what of all it then tries was taken. */
async function oversleep(kind: StoreKind, sabotage: Sabotage = {}) {
  const site = await places.site(kind);
  const at = await places.open(site);
  const { runId } = await at.runs.create('default', { agentId: 'sleeper' });
  const sleeper = places.start(site, { agents: ['sleeper'], leaseMs: 1500, heartbeatMs: 300, reapMs: null, sabotage });
  await sleeper.hears('asleep');
  const heir = places.start(site, { agents: ['sleeper'], leaseMs: 4000, reapMs: 200 });
  await heir.hears('ready');
  const isEnded = await haveEnded(at, [runId]);
  sleeper.child.kill('SIGCONT');
  const { writes } = await sleeper.hears('late');
  // Its own end would come behind its last word.
  await pause(300);
  sleeper.child.kill('SIGTERM');
  await sleeper.end;
  return { site, at, runId, isEnded, writes };
}

describe.each(storeKinds)('a worker that is stopped past its lease on %s', (kind) => {
  places.it(kind, 'finds every write refused but late ends, and its run is done once by another', async () => {
    const { site, at, runId, isEnded, writes } = await oversleep(kind);
    expect(isEnded).toBe(true);
    expect(writes).toEqual(isHeld);
    expect(readLedger(site).begins(runId)).toBe(2);
    expect(await auditRuns(site, [runId])).toEqual([]);
    const found = await readRun(at, runId);
    expect(found.row).toMatchObject({ state: 'completed', leaseEpoch: 2, attempts: 2 });
    // The end of the step that was open counts, and says that it came late; what was begun later is not there.
    expect(found.steps).toHaveLength(1);
    expect(found.steps[0]).toMatchObject({ name: 'asleep', status: 'completed', late: true });
    expect(countEvents(found, 'run-state', 'reclaim')).toBe(1);
  });
});

it('has its writes taken when leases are not numbered: the check can fail', async () => {
  const { writes } = await oversleep('SQLite', { ignoresEpochs: true });
  expect(writes).not.toEqual(isHeld);
});

describe.each(storeKinds)('a handler that never comes back on %s', (kind) => {
  places.it(
    kind,
    'is out of time, and neither it nor one that lets nobody else have a turn keeps the run',
    async () => {
      const site = await places.site(kind);
      const at = await places.open(site);
      const created = await at.runs.create('default', [
        { agentId: 'hang', timeoutSeconds: 3 },
        { agentId: 'hang', attemptTimeoutSeconds: 1, attemptsMax: 2 },
        { agentId: 'spin', timeoutSeconds: 4, priority: -1 },
      ]);
      const [hung, tried, spun] = created.map(({ runId }) => runId) as [string, string, string];
      const spinner = places.start(site, { agents: ['spin'], leaseMs: 60_000 });
      const worker = places.start(site, { agents: ['hang', 'count'], leaseMs: 60_000, concurrency: 1 });
      await worker.hears('ready');
      expect(await haveEnded(at, [hung, tried, spun])).toBe(true);
      await spinner.kill();
      for (const runId of [hung, tried, spun])
        expect(await at.parts.work.get('default', runId)).toMatchObject({ state: 'timeout', errorCode: 'E-RUN-005' });
      // The hung one keeps no place at work.
      const next = await at.runs.create('default', { agentId: 'count' });
      expect(await haveEnded(at, [next.runId])).toBe(true);
      expect(await auditRuns(site, [hung, tried, spun, next.runId])).toEqual([]);
    },
  );
});

it('keeps a run without a time for ever: the check can fail', async () => {
  const site = await places.site('SQLite');
  const at = await places.open(site);
  const { runId } = await at.runs.create('default', { agentId: 'hang', timeoutSeconds: null });
  const worker = places.start(site, { agents: ['hang'], leaseMs: 4000 });
  await worker.hears('ready');
  expect(await becomesTrue(() => readLedger(site).begins(runId) === 1)).toBe(true);
  expect(await haveEnded(at, [runId], { withinMs: 3000 })).toBe(false);
});

const dayMs = 24 * 3600 * 1000;
const clocks = [
  { offsetMs: 0 },
  { offsetMs: dayMs },
  { offsetMs: -dayMs },
  { offsetMs: 0, stepMs: dayMs, everyMs: 150 },
] as const;

/** Workers whose clocks are wrong do runs; how many leases it took. */
async function workByWrongClocks(kind: StoreKind, sabotage: Sabotage = {}) {
  const site = await places.site(kind);
  const at = await places.open(site);
  const workers = clocks.map((clock) =>
    places.start(site, { agents: ['count'], leaseMs: 6000, heartbeatMs: 500, concurrency: 2, clock, sabotage }),
  );
  await Promise.all(workers.map((worker) => worker.hears('ready')));
  const created = await at.runs.create(
    'default',
    // Deadlines of runs are times of the wall clock, where the store has no other.
    Array.from({ length: 16 }, () => ({ agentId: 'count', timeoutSeconds: null, input: { steps: 4, ms: 150 } })),
  );
  const runIds = created.map(({ runId }) => runId);
  const isEnded = await haveEnded(at, runIds, { withinMs: 20_000 });
  let leases = 0;
  for (const runId of runIds) leases += (await at.parts.work.get('default', runId))!.leaseEpoch;
  return { site, runIds, isEnded, leases };
}

describe.each(storeKinds)('workers whose wall clocks are a day off, and step, on %s', (kind) => {
  places.it(kind, 'lose no lease, and nothing takes less than no time', async () => {
    const { site, runIds, isEnded, leases } = await workByWrongClocks(kind);
    expect(isEnded).toBe(true);
    expect(leases).toBe(runIds.length);
    expect(await auditRuns(site, runIds)).toEqual([]);
  });
});

it('lose leases that are compared with the clock on the wall: the check can fail', async () => {
  const { runIds, leases } = await workByWrongClocks('SQLite', { usesWallClock: true });
  expect(leases).toBeGreaterThan(runIds.length);
});
