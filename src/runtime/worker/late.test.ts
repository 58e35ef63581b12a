import { afterEach, expect } from 'vitest';
import { writerIdToLease } from '../../core/work/lease.ts';
import type { StepRecorder } from '../../core/record/recording.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { RunContext } from '../handler/handler.ts';
import type { World } from '../world.fixture.ts';
import { onStores, openWorld, until } from '../world.fixture.ts';

const project = 'default';
const forever = (): Promise<never> => new Promise(() => undefined);
let world: World;

afterEach(async () => {
  await world.close();
});

const rowOf = (runId: string): Promise<WorkRow> => world.runs.get(project, runId);

onStores('a lease that is lost (I9)', ({ open, it }) => {
  it('changes nothing: no state, no step, no output; ends of what it had begun are kept as late', async () => {
    world = await openWorld({ open });
    const lost = world.another();
    let held: { context: RunContext; model: StepRecorder; finish: (output: string) => void } | null = null;
    // Its heartbeats reach nobody, as those of a process that is stopped: it goes on when the lease is long gone.
    const deaf = { ...lost, work: { ...lost.work, heartbeat: () => forever() } };
    const first = world.worker(
      {
        agents: {
          agent: (_run, context) =>
            new Promise((resolve) => {
              const model = context.recorder.step({ kind: 'model', operation: 'generate', model: 'm' });
              held = { context, model, finish: resolve };
            }),
        },
        leaseMs: 60_000,
        heartbeatMs: 30,
        reapMs: null,
      },
      deaf,
    );
    await first.start();
    const { runId } = await world.runs.create(project, { agentId: 'agent' });
    await until(() => held !== null);
    await lost.recorderOf(project).settle();
    // What a reaper would do once the lease ran out by the store's clock.
    const row = await rowOf(runId);
    const { toReap } = await import('../../core/work/transition.ts');
    const change = toReap({ ...row, leaseExpiresAtMs: 0 }, row.leaseExpiresAtMs!)!;
    if (change.type === 'run-start') throw new Error('not a reaping');
    const expected = { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false };
    const entries = [world.parts.scribeOf(project).change(row, change, row.leaseExpiresAtMs!)];
    const next = { ...change.next, queueAtMs: await world.work.nowMs() };
    expect(await world.work.change(project, [{ runId, expected, next, entries }])).toEqual([true]);
    await first.stop({ graceMs: 0 });
    const second = world.worker({ agents: { agent: (run) => `by lease ${run.leaseEpoch}` }, reapMs: null });
    await second.start();
    await until(async () => (await rowOf(runId)).state === 'completed');
    await second.idle();
    await world.work.file(project, runId);
    const before = await world.store.getRun(project, runId);

    // The first process goes on.
    const { context, model, finish } = held!;
    finish('by lease 1');
    await expect(context.step('more', () => 1)).rejects.toMatchObject({ code: 'E-RUN-004' });
    await expect(context.tool('send', {}, () => 1)).rejects.toMatchObject({ code: 'E-RUN-004' });
    await expect(context.fence()).rejects.toMatchObject({ code: 'E-RUN-004' });
    context.recorder.step({ kind: 'tool', name: 'late tool' }).finish({ status: 'completed', result: 1 });
    model.finish({ status: 'completed', response: [{ type: 'text', text: 'late' }] });
    await lost.recorderOf(project).settle();

    const after = await world.store.getRun(project, runId);
    expect(after).toMatchObject({ status: 'completed', endReason: 'ok', outputId: before.outputId });
    expect(after.finishedAtMs).toBe(before.finishedAtMs);
    const steps = await world.store.listSteps(project, runId);
    expect(steps.map(({ kind, name, status }) => ({ kind, name, status }))).toEqual([
      { kind: 'model', name: null, status: 'completed' },
    ]);
    expect(after.counts).toMatchObject({ steps: 1, late: before.counts.late + 3, missing: 0, openSteps: 0 });
    const events = await world.store.listEvents(project, runId);
    const late = events.slice(-3).map(({ header }) => [header.type, writerIdToLease(header.writerId)]);
    expect(late).toEqual([
      ['step-start', 1],
      ['step-end', 1],
      ['step-end', 1],
    ]);
    expect(await world.store.rebuildRun(project, runId)).toEqual([]);
  });
});
