import assert from 'node:assert/strict';
import type { Agent } from '../../core/work/agent.ts';
import type { Schedule } from '../../core/work/schedule.ts';
import type { WorkerRow } from '../../core/work/work.ts';
import type { WorkContext } from './work-suite.ts';

/** Agents, schedules and workers are kept as they were put, in their project. */
export function describeRegisters({ api: { describe, it }, withWork }: WorkContext): void {
  describe('agents, schedules and workers', () => {
    it(
      'moves a schedule on once for each tick, however many try',
      withWork(async ({ work }) => {
        const nowMs = await work.nowMs();
        const schedule: Schedule = {
          projectId: 'default',
          id: 'nightly',
          agentId: 'agent',
          cron: '0 3 * * *',
          timeZone: 'Europe/Berlin',
          sealed: Uint8Array.of(1, 2),
          isPaused: false,
          nextAtMs: nowMs - 10,
          lastAtMs: null,
          createdAtMs: nowMs - 1000,
        };
        await work.putSchedule(schedule);
        await work.putSchedule({ ...schedule, id: 'paused', isPaused: true });
        await work.putSchedule({ ...schedule, id: 'never', nextAtMs: null });
        await work.putSchedule({ ...schedule, id: 'later', nextAtMs: nowMs + 60_000 });
        await work.putSchedule({ ...schedule, projectId: 'other', id: 'first', nextAtMs: nowMs - 20 });
        const due = await work.dueSchedules(10);
        assert.deepEqual(
          due.map((each) => each.schedule.id),
          ['first', 'nightly'],
        );
        assert.deepEqual(
          { ...due[1]!.schedule, sealed: [...due[1]!.schedule.sealed] },
          { ...schedule, sealed: [1, 2] },
        );
        assert.equal((await work.dueSchedules(1)).length, 1);
        const tick = { fromMs: nowMs - 10, toMs: nowMs + 5000 };
        const moved = await Promise.all([1, 2, 3, 4].map(() => work.advanceSchedule('default', 'nightly', tick)));
        assert.equal(moved.filter(Boolean).length, 1);
        assert.equal(await work.advanceSchedule('default', 'first', { fromMs: nowMs - 20, toMs: null }), false);
        const all = await work.listSchedules('default');
        assert.deepEqual(
          all.map(({ id }) => id),
          ['later', 'never', 'nightly', 'paused'],
        );
        assert.deepEqual([all[2]!.nextAtMs, all[2]!.lastAtMs], [nowMs + 5000, nowMs - 10]);
        assert.equal(await work.deleteSchedule('default', 'nightly'), true);
        assert.equal(await work.deleteSchedule('default', 'nightly'), false);
        assert.equal(await work.deleteSchedule('default', 'first'), false);
      }),
    );

    it(
      'keeps agents and workers of each project',
      withWork(async ({ work }) => {
        const agent: Agent = {
          projectId: 'default',
          agentId: 'agent',
          tools: [{ name: 'send', class: 'destructive', environments: ['staging'], synthetic: '{"ok":true}' }],
          runsMax: 3,
          handlerVersion: 'v2',
          updatedAtMs: 5,
        };
        await work.putAgent({ ...agent, runsMax: null });
        await work.putAgent(agent);
        assert.deepEqual(await work.getAgent('default', 'agent'), agent);
        assert.deepEqual(await work.listAgents('default'), [agent]);
        assert.equal(await work.getAgent('other', 'agent'), null);
        assert.deepEqual(await work.listAgents('other'), []);
        const before = await work.nowMs();
        const worker: WorkerRow = {
          workerId: 'w1',
          host: 'host',
          pid: 4,
          agentIds: ['agent'],
          concurrency: 8,
          startedAtMs: 1,
          seenAtMs: 0,
          isStopping: false,
        };
        await work.putWorker('default', worker);
        await work.putWorker('default', { ...worker, isStopping: true });
        const [seen] = await work.listWorkers('default');
        assert.ok(seen!.seenAtMs >= before);
        assert.deepEqual({ ...seen, seenAtMs: 0 }, { ...worker, isStopping: true });
        assert.deepEqual(await work.listWorkers('other'), []);
        await work.removeWorker('default', 'w1');
        assert.deepEqual(await work.listWorkers('default'), []);
      }),
    );
  });
}
