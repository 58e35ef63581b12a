import { afterEach, expect } from 'vitest';
import type { WorkRow } from '../../core/work/work.ts';
import { inProject } from '../project-scope.ts';
import type { World } from '../world.fixture.ts';
import { onStores, openWorld, until } from '../world.fixture.ts';

const project = 'default';
const forever = (): Promise<never> => new Promise(() => undefined);
let world: World;

afterEach(async () => {
  await world.close();
});

const rowOf = (runId: string): Promise<WorkRow> => world.runs.get(project, runId);

onStores('runs', ({ open, it }) => {
  it('are made once for each event, however many ask at once (I8)', async () => {
    world = await openWorld({ open });
    const events = Array.from({ length: 20 }, (_each, index) => `event-${index}`);
    const asked = events.flatMap((providerEventId) =>
      Array.from({ length: 10 }, () =>
        world.runs.create(project, {
          agentId: 'agent',
          channelType: 'chat',
          providerEventId,
          input: { providerEventId },
        }),
      ),
    );
    const created = await Promise.all(asked);
    expect(new Set(created.map(({ runId }) => runId)).size).toBe(20);
    expect(created.filter(({ duplicate }) => !duplicate)).toHaveLength(20);
    const elsewhere = await world.runs.create('other', {
      agentId: 'agent',
      channelType: 'chat',
      providerEventId: 'event-0',
    });
    expect(elsewhere.duplicate).toBe(false);
    await expect(
      world.runs.create(project, {
        agentId: 'agent',
        channelType: 'chat',
        providerEventId: 'event-0',
        input: { n: 2 },
      }),
    ).rejects.toMatchObject({ code: 'idempotency-conflict' });
  });

  it('belong to a project: the one named, or the one in scope', async () => {
    world = await openWorld({ open });
    await expect(world.runs.create(null, { agentId: 'agent' })).rejects.toMatchObject({ code: 'E-TENANT-001' });
    const { runId } = await inProject('mine', () => world.runs.create(null, { agentId: 'agent' }));
    expect(await world.runs.get('mine', runId)).toMatchObject({ projectId: 'mine', state: 'pending' });
    await expect(world.runs.get('other', runId)).rejects.toMatchObject({ code: 'run-not-found' });
    await expect(world.runs.cancel('other', runId)).rejects.toMatchObject({ code: 'run-not-found' });
    await expect(world.runs.signal('other', runId, { name: 'go' })).rejects.toMatchObject({ code: 'run-not-found' });
  });

  it('are cancelled with those below them, once, and only while they are open', async () => {
    world = await openWorld({ open });
    const worker = world.worker({
      agents: {
        top: async (_run, context) => {
          const { runId } = await context.startRun({ agentId: 'middle' });
          return await context.waitFor(runId);
        },
        middle: async (_run, context) => {
          await context.startRun({ agentId: 'quick' }).then(({ runId }) => context.waitFor(runId));
          await context.startRun({ agentId: 'low', availableAtMs: Date.now() + 3600_000 });
          await context.tool('work', {}, forever);
        },
        quick: () => 'done',
        low: () => 'done',
      },
      heartbeatMs: 30,
      leaseMs: 2000,
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'top' });
    let open_: readonly WorkRow[] = [];
    await until(async () => {
      open_ = await world.work.listOpenDescendants(project, runId);
      return open_.some(({ agentId }) => agentId === 'low');
    });
    await until(async () => (await world.work.listMemos(project, open_[0]!.runId)).some(({ kind }) => kind === 'tool'));
    const answer = await world.runs.cancel(project, runId, { reason: 'the customer rang off' });
    expect(answer).toMatchObject({
      isCancelled: true,
      children: 2,
      row: { state: 'cancelled', endReason: 'cancelled' },
    });
    expect(await world.runs.cancel(project, runId)).toMatchObject({ isCancelled: false, children: 0 });
    const below = await Promise.all(open_.map((each) => rowOf(each.runId)));
    expect(below.map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
    const { items } = await world.work.list(project, { agentId: 'quick' }, {});
    expect(items.map(({ state }) => state)).toEqual(['completed']);
    // The worker hears of it by its heartbeat, and is free.
    await until(() => worker.status().running === 0);
    await worker.idle();
    await until(async () => {
      await world.work.file(project);
      const middle = await world.store.getRun(project, open_[0]!.runId);
      return middle.counts.openSteps === 0 && middle.counts.interrupted === 1;
    });
    await expect(world.runs.create(project, { agentId: 'low', parentRunId: runId })).rejects.toMatchObject({
      code: 'E-RUN-006',
    });
  });

  it('are driven again with what they had done, where their input was kept', async () => {
    world = await openWorld({ open });
    const done: string[] = [];
    let isMended = false;
    const worker = world.worker({
      agents: {
        fragile: async (run, context) => {
          const first = await context.step('first', () => (done.push('first'), 'one'));
          const key = await context.tool('post', {}, (_args, call) => (done.push('post'), call.idempotencyKey), {
            class: 'idempotent',
          });
          await context.step('second', () => {
            if (!isMended) throw new Error('not yet');
            return done.push('second');
          });
          return { first, key, input: run.input };
        },
      },
    });
    await worker.start();
    const request = { agentId: 'fragile', input: { n: 1 }, attemptsMax: 1, callerId: 'ada' };
    const [kept, lost] = await world.runs.create(project, [{ ...request, isRedrivable: true }, request]);
    await until(
      async () => (await rowOf(kept!.runId)).state === 'failed' && (await rowOf(lost!.runId)).state === 'failed',
    );
    await expect(world.runs.redrive(project, lost!.runId)).rejects.toMatchObject({ code: 'work-missing' });
    isMended = true;
    done.length = 0;
    const again = await world.runs.redrive(project, kept!.runId);
    expect(await world.runs.redrive(project, kept!.runId)).toEqual({ runId: again.runId, duplicate: true });
    await until(async () => (await rowOf(again.runId)).state === 'completed');
    expect(done).toEqual(['second']);
    const from = await world.runs.redrive(project, kept!.runId, { fromStep: 1 });
    await until(async () => (await rowOf(from.runId)).state === 'completed');
    expect(done).toEqual(['second', 'post', 'second']);
    await expect(world.runs.redrive(project, again.runId)).rejects.toMatchObject({ code: 'E-RUN-006' });
    await world.work.file(project);
    const run = await world.store.getRun(project, again.runId);
    expect(run).toMatchObject({ callerId: 'ada', labels: { 'redrive-of': kept!.runId } });
    expect(run.work).toMatchObject({ triggerType: 'redrive', triggerRef: kept!.runId });
    const contents = await Promise.all(
      [again.runId, from.runId].map(async (runId) => {
        const { outputId } = await world.store.getRun(project, runId);
        const [content] = await world.store.readContents(project, runId, [outputId!]);
        return (JSON.parse(Buffer.from(content!.bytes).toString()) as { key: string }).key;
      }),
    );
    // The other side sees one call, whichever run makes it.
    expect(contents[0]).toBe(contents[1]);
    expect(await rowOf(kept!.runId)).toMatchObject({ state: 'failed' });
  });
});
