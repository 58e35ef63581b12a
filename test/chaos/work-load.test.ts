import { describe, expect, it } from 'vitest';
import { isLeased } from '../../src/core/work/state.ts';
import type { ClaimRequest, WorkStore } from '../../src/core/work/work.ts';
import { createWorker } from '../../src/runtime/index.ts';
import { listenPostgres } from '../../src/stores/postgres/index.ts';
import { runSql } from '../postgres/cluster.ts';
import { openRelay } from './database-relay.ts';
import { auditRuns, becomesTrue, haveEnded, readLedger } from './work/checker.ts';
import { isLong, usePlaces } from './work/places.ts';
import type { Sabotage } from './work/sabotage.ts';
import { onEveryCall } from './work/sabotage.ts';
import type { StoreKind } from './work/site.ts';
import { storeKinds } from './work/site.ts';

// One project's flood beside another's single run, a worker that is told to stop under load, and a database that no longer
// says when there is something to do.

const places = usePlaces();
const floodCount = isLong ? 10_000 : 2000;
const concurrency = 5;

/** Claims that the flooding project got between the other's creation and its claim, each a round. */
async function flood(kind: StoreKind, sabotage: Sabotage = {}): Promise<{ rounds: number; left: number }> {
  const at = await places.open(await places.site(kind), sabotage);
  const flooding = Array.from({ length: floodCount }, () => ({ agentId: 'small' }));
  await at.runs.create('flood', flooding);
  let rounds = 0;
  let [isCreated, isClaimed] = [false, false];
  const work: WorkStore = onEveryCall(at.parts.work, {
    before(name, [request]) {
      if (name !== 'claim' || !isCreated || isClaimed) return;
      if ((request as ClaimRequest).projectId === 'flood') rounds += 1;
    },
    behind(name, [request], answer) {
      if (name !== 'claim' || (request as ClaimRequest).projectId !== 'quiet') return;
      if ((answer as readonly unknown[]).length > 0) isClaimed = true;
    },
  });
  let done = 0;
  const worker = createWorker(
    { ...at.parts, work },
    { projectIds: 'all', concurrency, agents: { small: () => void (done += 1) }, leaseMs: 60_000 },
  );
  await worker.start();
  await becomesTrue(() => done > 50);
  const { runId } = await at.runs.create('quiet', { agentId: 'small' });
  isCreated = true;
  await haveEnded(at, [runId], { projectOf: () => 'quiet', withinMs: 5000 });
  await worker.stop({ graceMs: 0 });
  const [counted] = (await at.parts.work.counts('flood')).filter(({ state }) => state === 'pending');
  return { rounds: isClaimed ? rounds : Infinity, left: counted?.count ?? 0 };
}

describe.each(storeKinds)('a flood of one project on %s', (kind) => {
  places.it(
    kind,
    `of ${floodCount} runs delays another's single run by two rounds at most`,
    async () => {
      const { rounds, left } = await flood(kind);
      expect(rounds).toBeLessThanOrEqual(2);
      // It was still going on.
      expect(left).toBeGreaterThan(0);
    },
    { isLarger: true },
  );
});

it('keeps another out as long as it lasts when projects take no turns: the check can fail', async () => {
  expect((await flood('SQLite', { favours: 'flood' })).rounds).toBeGreaterThan(2);
});

/** A worker is told to stop, or killed, while it is at work. */
async function stopUnderLoad(kind: StoreKind, signal: 'SIGTERM' | 'SIGKILL') {
  const site = await places.site(kind);
  const at = await places.open(site);
  const created = await at.runs.create(
    'default',
    Array.from({ length: 30 }, (_each, index) => ({
      agentId: 'count',
      // Some are through within the grace, some are not.
      input: { steps: 2, ms: index % 2 === 0 ? 50 : 1500 },
    })),
  );
  const runIds = created.map(({ runId }) => runId);
  const orders = { agents: ['count'], leaseMs: 60_000, reapMs: null, concurrency: 6 };
  const worker = places.start(site, { ...orders, graceMs: 300 });
  expect(await becomesTrue(() => runIds.filter((runId) => readLedger(site).begins(runId) > 0).length >= 6)).toBe(true);
  worker.child.kill(signal);
  const code = await worker.end;
  const { items } = await at.parts.work.list('default', {}, { limit: 100 });
  const leased = items.filter(({ state }) => isLeased(state)).length;
  return { site, at, runIds, orders, worker, code, leased };
}

describe.each(storeKinds)('SIGTERM of a worker under load on %s', (kind) => {
  places.it(kind, 'ends it in time with nothing lost, and no run waits for the end of a lease', async () => {
    const { site, at, runIds, orders, worker, code, leased } = await stopUnderLoad(kind, 'SIGTERM');
    expect(code).toBe(0);
    expect(await worker.hears('stopped')).toMatchObject({ status: { running: 0, waiting: 0, ending: 0 } });
    expect(leased).toBe(0);
    // Nobody reaps, and leases would last a minute: what was not given back would not be done.
    places.start(site, orders);
    expect(await haveEnded(at, runIds)).toBe(true);
    for (const runId of runIds) {
      expect(await at.parts.work.get('default', runId)).toMatchObject({ state: 'completed', attempts: 1 });
      expect(readLedger(site).effects('note', runId)).toBe(1);
    }
    expect(await auditRuns(site, runIds)).toEqual([]);
  });
});

it('leaves runs under leases when it is killed instead: the check can fail', async () => {
  const { leased } = await stopUnderLoad('SQLite', 'SIGKILL');
  expect(leased).toBeGreaterThan(0);
});

/** A worker that hears of new runs over a connection of its own, which is then lost. How many of two runs were done. */
async function loseEars(pollMs: number): Promise<{ heard: boolean; found: boolean; losses: number }> {
  const site = await places.site('PostgreSQL');
  const [at, creator] = [await places.open(site), await places.open(site)];
  const relay = await openRelay(site.database!);
  let losses = 0;
  let wake = (): void => undefined;
  const bell = await listenPostgres({ url: relay.url, onChange: () => wake(), onError: () => void (losses += 1) });
  const worker = createWorker(at.parts, {
    ...{ projectIds: ['default'], agents: { small: () => null }, pollMs },
    onWake(listener) {
      wake = listener;
      return () => void (wake = () => undefined);
    },
  });
  try {
    await worker.start();
    const done = async (): Promise<boolean> => {
      const { runId } = await creator.runs.create('default', { agentId: 'small' });
      return await haveEnded(creator, [runId], { withinMs: 4000 });
    };
    const heard = await done();
    // It listens in vain: the connection is ended by the server, and there is no other way to it.
    relay.hole('both');
    await runSql(
      site.superUrl!,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
    );
    return { heard, found: await done(), losses };
  } finally {
    await worker.stop({ graceMs: 0 });
    await relay.close();
    await bell.close();
  }
}

describe('a worker whose connection for notices is lost', () => {
  places.it('PostgreSQL', 'finds runs by looking', async () => {
    expect(await loseEars(400)).toMatchObject({ heard: true, found: true });
  });

  places.it('PostgreSQL', 'does not find them when it does not look: the check can fail', async () => {
    expect(await loseEars(3_600_000)).toMatchObject({ heard: true, found: false });
  });
});
