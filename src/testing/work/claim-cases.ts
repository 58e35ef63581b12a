import assert from 'node:assert/strict';
import type { StaleCursor } from '../../core/work/work.ts';
import { toDueAtMs, toTool } from '../../core/work/transition.ts';
import type { WorkContext } from './work-suite.ts';
import { leaseOf, until } from './work-world.ts';

/** Runs are taken in order, once, and no more than may be; leases last, and what is due is found. */
export function describeClaims({ api: { describe, it }, withWork }: WorkContext): void {
  describe('claims and leases', () => {
    it(
      'takes by priority, then the oldest, and neither what is for later nor what is too late',
      withWork(async (world) => {
        const nowMs = await world.work.nowMs();
        const [low] = await world.create(1, { priority: -1 });
        const [second] = await world.create(1, { row: { queueAtMs: nowMs - 10 } });
        const [first] = await world.create(1, { row: { queueAtMs: nowMs - 20 } });
        const [high] = await world.create(1, { priority: 5, agentId: 'other' });
        await world.create(1, { priority: 9, availableAtMs: nowMs + 60_000 });
        await world.create(1, { priority: 9, row: { timeoutAtMs: nowMs - 1 } });
        await world.create(1, { priority: 9, row: { startDeadlineAtMs: nowMs - 1 } });
        const roomByAgent = { agent: 9, other: 9 };
        const taken = [
          ...(await world.claim({ roomByAgent, limit: 2 })),
          ...(await world.claim({ roomByAgent, limit: 1 })),
          ...(await world.claim({ roomByAgent, limit: 9 })),
        ];
        assert.deepEqual(
          taken.map(({ row }) => row.runId),
          [high, first, second, low],
        );
        assert.ok(taken.every(({ row, nowMs: at }) => row.state === 'running' && row.leaseExpiresAtMs === at + 30_000));
        assert.deepEqual(await world.claim({ roomByAgent }), []);
      }),
    );

    it(
      'gives of each agent what there is room for, and nothing of agents that are not named',
      withWork(async (world) => {
        for (const agentId of ['a', 'b', 'c']) await world.create(4, { agentId });
        const taken = await world.claim({ limit: 5, roomByAgent: { a: 3, b: 4 } });
        assert.deepEqual(taken.map(({ row }) => row.agentId).toSorted(), ['a', 'a', 'a', 'b', 'b']);
        assert.deepEqual(await world.claim({ roomByAgent: {} }), []);
        assert.deepEqual(await world.claim({ limit: 0 }), []);
      }),
    );

    it(
      'leaves a run that nothing was planned for where it is',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const request = {
          projectId: 'default',
          roomByAgent: new Map([['agent', 1]]),
          limit: 1,
          projectRunsMax: null,
          runsMaxByAgent: new Map(),
        };
        assert.deepEqual(await world.work.claim(request, () => []), []);
        const [claimed] = await world.claim();
        assert.equal(claimed!.row.runId, runId);
      }),
    );

    it(
      'gives no run to two workers, of ten thousand that wait, whose claims do not wait for each other',
      withWork(async (world) => {
        const count = 10_000;
        const waiting = new Set(await world.create(count));
        const lane = async (workerId: string): Promise<number> => {
          let taken = 0;
          for (;;) {
            const claimed = await world.claim({ workerId, limit: 500 });
            for (const { row } of claimed) {
              assert.equal(waiting.delete(row.runId), true);
              assert.equal(row.workerId, workerId);
            }
            taken += claimed.length;
            // Nothing for one may mean that the other has it all locked just now.
            if (claimed.length === 0 && waiting.size === 0) return taken;
          }
        };
        const taken = await Promise.all(['one', 'two', 'three'].map(lane));
        assert.equal(
          taken.reduce((sum, each) => sum + each, 0),
          count,
        );
      }),
    );

    it(
      'never has more under a lease than the project and each agent may have, however many claim at once',
      withWork(async (world) => {
        for (const agentId of ['a', 'b']) await world.create(20, { agentId });
        const limits = { roomByAgent: { a: 9, b: 9 }, projectRunsMax: 5, runsMaxByAgent: { a: 2 } };
        const claims = await Promise.all(Array.from({ length: 8 }, () => world.claim({ ...limits, limit: 3 })));
        const rows = claims.flat().map(({ row }) => row);
        assert.equal(rows.length, 5);
        assert.equal(rows.filter(({ agentId }) => agentId === 'a').length, 2);
        assert.deepEqual(await world.claim(limits), []);
        const done = rows.find(({ agentId }) => agentId === 'a')!;
        assert.deepEqual(await world.work.change('default', [await world.end(done)]), [true]);
        const more = await world.claim({ ...limits, limit: 9 });
        assert.deepEqual(
          more.map(({ row }) => row.agentId),
          ['a'],
        );
      }),
    );

    it(
      'names the projects where a run may be claimed now',
      withWork(async (world) => {
        const laterMs = (await world.work.nowMs()) + 60_000;
        await world.create(3, { projectId: 'later', availableAtMs: laterMs });
        await world.create(1, { projectId: 'now', availableAtMs: laterMs, priority: 3 });
        await world.create(1, { projectId: 'now', agentId: 'z', priority: -3 });
        await world.create(1, { projectId: 'taken' });
        await world.claim({ projectId: 'taken' });
        assert.deepEqual((await world.work.waitingProjects()).toSorted(), ['now']);
      }),
    );

    it(
      'prolongs leases that are in force, and says of the others what has become of their runs',
      withWork(async (world) => {
        await world.create(3);
        const [held, ended, lost] = await world.claim({ leaseMs: 5000 });
        await world.work.change('default', [await world.end(ended!.row, 'cancelled')]);
        const leases = [
          { ...leaseOf(lost!), leaseEpoch: 7 },
          leaseOf(held!),
          leaseOf(ended!),
          { runId: held!.row.rootRunId.replace(/.$/, 'x'), leaseEpoch: 1 },
        ];
        const beats = await world.work.heartbeat('default', leases, 60_000);
        assert.deepEqual(
          beats.map(({ runId, leaseEpoch, isHeld, state }) => ({ runId, leaseEpoch, isHeld, state })),
          [
            { ...leases[0]!, isHeld: false, state: 'running' },
            { ...leases[1]!, isHeld: true, state: 'running' },
            { ...leases[2]!, isHeld: false, state: 'cancelled' },
            { ...leases[3]!, isHeld: false, state: 'cancelled' },
          ],
        );
        const nowMs = await world.work.nowMs();
        assert.ok(beats[1]!.leaseExpiresAtMs! > nowMs + 50_000);
        assert.ok((await world.row(held!.row.runId)).leaseExpiresAtMs! > nowMs + 50_000);
        assert.ok((await world.row(lost!.row.runId)).leaseExpiresAtMs! < nowMs + 6000);
        assert.equal((await world.work.heartbeat('other', [leaseOf(held!)], 60_000))[0]!.isHeld, false);
        // A change that keeps the lease does not take back what the heartbeat gave.
        const tool = world.toChange(held!.row, toTool(held!.row, 'tool-start'));
        assert.deepEqual(await world.work.change('default', [tool]), [true]);
        assert.ok((await world.row(held!.row.runId)).leaseExpiresAtMs! > nowMs + 50_000);
      }),
    );

    it(
      'lists what is due in all projects page by page, oldest deadline first, whatever can be done about it',
      withWork(async (world) => {
        const nowMs = await world.work.nowMs();
        const due: string[] = [];
        for (let at = 0; at < 5; at += 1)
          due.push(
            ...(await world.create(1, {
              projectId: at % 2 === 0 ? 'one' : 'two',
              row: { timeoutAtMs: nowMs - 100 + at },
            })),
          );
        await world.create(1, { projectId: 'one' });
        await world.create(1, { projectId: 'two', agentId: 'leased' });
        const [claimed] = await world.claim({ projectId: 'two', roomByAgent: { leased: 1 }, leaseMs: 30 });
        const [kept] = await world.create(1, { projectId: 'two', agentId: 'kept' });
        await world.claim({ projectId: 'two', roomByAgent: { kept: 1 } });
        await until(async () => (await world.work.listStale(10, null)).length === 6);
        const seen: string[] = [];
        let after: StaleCursor | null = null;
        for (;;) {
          const page = await world.work.listStale(2, after);
          for (const { row, nowMs: at } of page) {
            assert.ok(toDueAtMs(row)! <= at);
            seen.push(row.runId);
          }
          const last = page.at(-1);
          if (last === undefined) break;
          after = { dueAtMs: toDueAtMs(last.row)!, runId: last.row.runId };
        }
        assert.deepEqual(seen, [...due, claimed!.row.runId]);
        assert.equal(seen.includes(kept!), false);
      }),
    );

    it(
      'lists and counts runs by what they are, newest first, page by page',
      withWork(async (world) => {
        const ids = await world.create(5);
        const [child] = await world.create(1, { row: { parentRunId: ids[0]! }, agentId: 'child' });
        const [grandchild] = await world.create(1, { row: { parentRunId: child! }, agentId: 'child' });
        const [first] = await world.claim({ limit: 1, workerId: 'w1' });
        await world.work.change('default', [await world.end(first!.row, 'error')]);
        const idsOf = async (filter: Parameters<typeof world.work.list>[1], page = {}) =>
          (await world.work.list('default', filter, page)).items.map(({ runId }) => runId);
        assert.deepEqual(await idsOf({}), [grandchild, child, ...ids.toReversed()]);
        assert.deepEqual(await idsOf({ states: ['failed'] }), [ids[0]]);
        assert.deepEqual(await idsOf({ isDead: true }), []);
        assert.deepEqual(await idsOf({ agentId: 'child', states: ['pending', 'running'] }), [grandchild, child]);
        assert.deepEqual(await idsOf({ parentRunId: ids[0]! }), [child]);
        const pageOne = await world.work.list('default', {}, { limit: 3 });
        const pageTwo = await world.work.list('default', {}, { limit: 3, cursor: pageOne.nextCursor! });
        assert.deepEqual(
          [...pageOne.items, ...pageTwo.items].map(({ runId }) => runId),
          (await idsOf({})).slice(0, 6),
        );
        assert.deepEqual(
          (await world.work.listOpenDescendants('default', ids[0]!)).map(({ runId }) => runId),
          [child, grandchild],
        );
        assert.deepEqual(
          (await world.work.counts('default'))
            .map(({ agentId, state, count }) => `${agentId} ${state} ${count}`)
            .toSorted(),
          ['agent failed 1', 'agent pending 4', 'child pending 2'],
        );
        assert.deepEqual(await idsOf({ workerId: 'nobody' }), []);
        assert.equal((await world.work.list('other', {}, {})).items.length, 0);
      }),
    );
  });
}
