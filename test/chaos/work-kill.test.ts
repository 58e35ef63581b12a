import { describe, expect, it } from 'vitest';
import { isLeased } from '../../src/core/work/state.ts';
import { auditRuns, becomesTrue, haveEnded, readLedger } from './work/checker.ts';
import { isLong, pause, usePlaces } from './work/places.ts';
import type { WorkerProcess } from './work/process.ts';
import { killAll } from './work/process.ts';
import type { OpenSite, Site } from './work/site.ts';
import { storeKinds } from './work/site.ts';

// kill -9 of workers at random moments while they do runs. Each run that one of them had is claimed again within X.

const [runCount, killsMax, workerCount] = isLong ? [200, 60, 4] : [40, 4, 3];
const times = { leaseMs: 4000, heartbeatMs: 500, reapMs: 400 };
const withinMs = times.leaseMs + times.reapMs + 5000;

const places = usePlaces();

const startOne = (site: Site, reapMs: number | null): WorkerProcess =>
  places.start(site, { ...times, reapMs, agents: ['count'], concurrency: 4 });

/** What a worker left behind: its runs with the number of their lease. */
async function readLeft({ parts }: OpenSite, workerId: string): Promise<{ runId: string; leaseEpoch: number }[]> {
  // A commit that was under way when it was killed is done within this time; its leases last longer.
  await pause(150);
  const { items } = await parts.work.list('default', { workerId }, { limit: 500 });
  return items.filter(({ state }) => isLeased(state)).map(({ runId, leaseEpoch }) => ({ runId, leaseEpoch }));
}

/** Runs that nobody has claimed again in time. */
async function findForsaken({ parts }: OpenSite, left: readonly { runId: string; leaseEpoch: number }[]) {
  const forsaken = new Set(left);
  await becomesTrue(async () => {
    for (const one of forsaken) {
      const row = await parts.work.get('default', one.runId);
      if (row !== null && row.leaseEpoch > one.leaseEpoch) forsaken.delete(one);
    }
    return forsaken.size === 0;
  }, withinMs);
  return [...forsaken];
}

describe.each(storeKinds)('kill -9 of workers on %s', (kind) => {
  places.it(
    kind,
    `gives each of ${runCount} runs to another within ${withinMs} ms, and each ends once`,
    async () => {
      const site = await places.site(kind);
      const at = await places.open(site);
      const created = await at.runs.create(
        'default',
        Array.from({ length: runCount }, () => ({ agentId: 'count', attemptsMax: 100, input: { steps: 3, ms: 150 } })),
      );
      const runIds = created.map(({ runId }) => runId);
      const team = Array.from({ length: workerCount }, () => startOne(site, times.reapMs));
      await Promise.all(team.map((worker) => worker.hears('ready')));
      const killsByRun = new Map<string, number>();
      const searches: Promise<readonly unknown[]>[] = [];
      for (let kills = 0; kills < killsMax; kills += 1) {
        // Somebody must be there to take over, however slowly a process starts.
        await Promise.all(team.map((worker) => worker.hears('ready')));
        await pause(Math.random() * 600);
        const index = kills % workerCount;
        await team[index]!.kill();
        const left = await readLeft(at, team[index]!.workerId);
        for (const { runId } of left) killsByRun.set(runId, (killsByRun.get(runId) ?? 0) + 1);
        searches.push(findForsaken(at, left));
        team[index] = startOne(site, times.reapMs);
      }
      expect((await Promise.all(searches)).flat()).toEqual([]);
      expect(await haveEnded(at, runIds, { withinMs: 60_000 })).toBe(true);
      await killAll(team);
      expect(killsByRun.size).toBeGreaterThan(0);
      const ledger = readLedger(site);
      for (const runId of runIds) {
        const row = await at.parts.work.get('default', runId);
        expect(row).toMatchObject({ state: 'completed', attempts: (killsByRun.get(runId) ?? 0) + 1 });
        expect(ledger.effects('note', runId)).toBe(1);
      }
      expect(await auditRuns(site, runIds)).toEqual([]);
    },
    { isLarger: true },
  );
});

it('leaves runs lying when nobody reaps: the check can fail', async () => {
  const site = await places.site('SQLite');
  const at = await places.open(site);
  const { runId } = await at.runs.create('default', { agentId: 'count', input: { ms: 60_000 } });
  const worker = startOne(site, null);
  expect(await becomesTrue(() => readLedger(site).begins(runId) === 1)).toBe(true);
  await worker.kill();
  const left = await readLeft(at, worker.workerId);
  expect(left).toHaveLength(1);
  startOne(site, null);
  expect(await findForsaken(at, left)).toEqual(left);
});
