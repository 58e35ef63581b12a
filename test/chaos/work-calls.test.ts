import { describe, expect, it } from 'vitest';
import { TachographError } from '../../src/core/error.ts';
import { freePass } from '../../src/core/work/gate.ts';
import { createWorker } from '../../src/runtime/index.ts';
import { auditRuns, haveEnded, readLedger, readRun } from './work/checker.ts';
import { isLong, usePlaces } from './work/places.ts';
import type { WorkerOrders } from './work/process.ts';
import type { StoreKind } from './work/site.ts';
import { makeProject, storeKinds } from './work/site.ts';

// A worker that is killed in the middle of what it does: before and behind every call of the store, and while a tool is at
// work. What may not be done twice is done at most once; what has a key has one effect; every run ends, or says why not.

const places = usePlaces();
const times = { leaseMs: 1500, heartbeatMs: 300, reapMs: 200 };

type Off = Pick<WorkerOrders, 'sabotage' | 'hasOwnKeys'>;

/** A worker dies in the middle of a call, and another takes the run over. */
async function dieInCall(kind: StoreKind, agentId: 'pay' | 'notify', off: Off = {}) {
  const site = await places.site(kind);
  const at = await places.open(site);
  const { runId } = await at.runs.create('default', { agentId, input: { dieAt: 'call-begun' }, attemptsMax: 5 });
  await places.start(site, { agents: [agentId], ...times, reapMs: null, ...off }).end;
  places.start(site, { agents: [agentId], ...times, ...off });
  expect(await haveEnded(at, [runId])).toBe(true);
  return { site, at, runId, ledger: readLedger(site) };
}

describe.each(storeKinds)('a worker that is killed in the middle of a call on %s', (kind) => {
  places.it(kind, 'leaves one that must not be made twice in doubt, and nobody makes it again', async () => {
    const { site, at, runId, ledger } = await dieInCall(kind, 'pay');
    expect(ledger.effects('pay', runId)).toBe(1);
    const { row, steps } = await readRun(at, runId);
    expect(row).toMatchObject({ state: 'failed', endReason: 'error', errorCode: 'E-RUN-001' });
    expect(steps.filter(({ kind: of }) => of === 'tool')).toMatchObject([
      { name: 'pay', status: 'interrupted', resultStatus: 'in_doubt' },
    ]);
    expect(await auditRuns(site, [runId])).toEqual([]);
  });

  places.it(kind, 'has one with a key made again under the same key, with one effect', async () => {
    const { site, at, runId, ledger } = await dieInCall(kind, 'notify');
    expect(ledger.calls('notify', runId)).toBe(2);
    expect(ledger.effects('notify', runId)).toBe(1);
    expect(await at.parts.work.get('default', runId)).toMatchObject({ state: 'completed', attempts: 2 });
    expect(await auditRuns(site, [runId])).toEqual([]);
  });
});

it('makes it twice when calls are not announced: the check can fail', async () => {
  const { runId, ledger } = await dieInCall('SQLite', 'pay', { sabotage: { skipsAnnouncing: true } });
  expect(ledger.effects('pay', runId)).toBe(2);
});

it('has two effects when each attempt has a key of its own: the check can fail', async () => {
  const { runId, ledger } = await dieInCall('SQLite', 'notify', { hasOwnKeys: true });
  expect(ledger.effects('notify', runId)).toBe(2);
});

it('does not doubt a call that never left, because the ledger of budgets was away', async () => {
  const at = await places.open(await places.site('SQLite'));
  const { runId } = await at.runs.create('default', { agentId: 'pay' });
  let [asked, made] = [0, 0];
  const worker = createWorker(at.parts, {
    projectIds: ['default'],
    pollMs: 20,
    gateOf: () => ({
      async enter() {
        asked += 1;
        if (asked === 1) throw new TachographError('E-RUN-007', 'the ledger is away');
        return freePass;
      },
    }),
    agents: {
      pay: {
        retry: { paceByClass: { other: { baseMs: 1, maxMs: 2 } } },
        run: (_run, context) => context.tool('pay', { amount: 7 }, () => (made += 1), { class: 'destructive' }),
      },
    },
  });
  await worker.start();
  expect(await haveEnded(at, [runId])).toBe(true);
  expect(await at.parts.work.get('default', runId)).toMatchObject({ state: 'completed', attempts: 2 });
  expect(made).toBe(1);
  await worker.stop({ graceMs: 0 });
});

/** Calls of the store that a run makes from its claim to its end; one more is never reached. */
const callsMax = 30;
const parallel = 4;
const deaths = Array.from({ length: callsMax }, (_each, index) => ({ call: index + 1, isBehind: index % 2 === 0 }));
const tried = isLong
  ? deaths.flatMap(({ call }) => [true, false].map((isBehind) => ({ call, isBehind })))
  : deaths.filter((_death, index) => index % 3 === 1);

/** Each run's worker dies at another call of the store; then one takes them all over. */
async function dieAtEveryCall(kind: StoreKind, off: Off = {}) {
  const site = await places.site(kind);
  const at = await places.open(site);
  const projectByRun = new Map<string, string>();
  const waiting = [...tried.entries()];
  const dieOnce = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, dieAt] = next;
      const projectId = `case-${index}`;
      await makeProject(at, projectId);
      const { runId } = await at.runs.create(projectId, { agentId: 'tour', attemptsMax: 5, idempotencyKey: 'one' });
      projectByRun.set(runId, projectId);
      const victim = places.start(site, {
        ...{ agents: ['tour'], ...times, reapMs: null, projectIds: [projectId] },
        hasOwnKeys: off.hasOwnKeys === true,
        sabotage: { ...off.sabotage, dieAt },
      });
      // One that has come to the run's end before its time is none of these.
      await Promise.race([victim.end, haveEnded(at, [runId], { projectOf: () => projectId })]);
      await victim.kill();
    }
  };
  await Promise.all(Array.from({ length: parallel }, dieOnce));
  places.start(site, { agents: ['tour'], ...times, projectIds: 'all', ...off });
  const projectOf = (runId: string): string => projectByRun.get(runId)!;
  const isEnded = await haveEnded(at, [...projectByRun.keys()], { projectOf });
  return { site, at, projectByRun, projectOf, isEnded };
}

describe.each(storeKinds)('a worker that is killed at every call of the store on %s', (kind) => {
  places.it(
    kind,
    'leaves a run that another ends, or ends with its cause',
    async () => {
      const { site, at, projectByRun, projectOf, isEnded } = await dieAtEveryCall(kind);
      expect(isEnded).toBe(true);
      const ledger = readLedger(site);
      let doubts = 0;
      let taken = 0;
      for (const [runId, projectId] of projectByRun) {
        const { row, steps } = await readRun(at, runId, projectId);
        const paid = ledger.effects('pay', runId);
        expect(paid).toBeLessThanOrEqual(1);
        expect(ledger.effects('notify', runId)).toBeLessThanOrEqual(1);
        if (row.attempts > 1) taken += 1;
        if (row.state === 'completed') {
          expect([paid, ledger.effects('notify', runId)]).toEqual([1, 1]);
          continue;
        }
        doubts += 1;
        expect(row).toMatchObject({ state: 'failed', errorCode: 'E-RUN-001' });
        expect(steps.filter(({ resultStatus }) => resultStatus === 'in_doubt')).toMatchObject([
          { kind: 'tool', name: 'pay' },
        ]);
      }
      expect(taken).toBeGreaterThan(0);
      expect(doubts).toBeLessThan(projectByRun.size / 2);
      expect(await auditRuns(site, [...projectByRun.keys()], projectOf)).toEqual([]);
    },
    { isLarger: true },
  );
});
