import { afterEach, expect } from 'vitest';
import type { RunStatus } from '../../core/model/run.ts';
import type { WorkRow } from '../../core/work/work.ts';
import { reapOnce } from './reaper.ts';
import type { World } from '../world.fixture.ts';
import { createMortal, onStores, openWorld, until } from '../world.fixture.ts';

const project = 'default';
const forever = (): Promise<never> => new Promise(() => undefined);
let world: World;

afterEach(async () => {
  await world.close();
});

const rowOf = (runId: string): Promise<WorkRow> => world.runs.get(project, runId);
const reached = async (runId: string, state: RunStatus): Promise<WorkRow> => {
  await until(async () => (await rowOf(runId)).state === state);
  return await rowOf(runId);
};

onStores('the clocks of a run', ({ open, it }) => {
  it('end one that nobody took in time, and one that is out of time without a worker', async () => {
    world = await openWorld({ open });
    const [start, whole, never] = await world.runs.create(project, [
      { agentId: 'nobody', startTimeoutSeconds: 0 },
      { agentId: 'nobody', timeoutSeconds: 0 },
      { agentId: 'nobody', timeoutSeconds: null },
    ]);
    await until(
      async () =>
        (await reapOnce(world.parts, () => true)).ended >= 0 && (await rowOf(whole!.runId)).state === 'timeout',
    );
    expect(await rowOf(start!.runId)).toMatchObject({ state: 'timeout', endReason: 'timeout', errorCode: 'E-RUN-005' });
    expect(await rowOf(never!.runId)).toMatchObject({ state: 'pending', timeoutAtMs: null });
    await world.work.file(project);
    expect(await world.store.getRun(project, whole!.runId)).toMatchObject({
      status: 'timeout',
      errorCode: 'E-RUN-005',
    });
  });

  it('end a handler that hangs, also without a reaper, and free its place', async () => {
    world = await openWorld({ open });
    const worker = world.worker({
      agents: { hung: () => forever(), quick: () => 1 },
      concurrency: 1,
      reapMs: null,
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'hung', timeoutSeconds: 0.2 });
    const next = await world.runs.create(project, { agentId: 'quick' });
    expect(await reached(runId, 'timeout')).toMatchObject({ endReason: 'timeout', errorCode: 'E-RUN-005' });
    await reached(next.runId, 'completed');
  });

  it('try an attempt again that took too long, until there is none left', async () => {
    world = await openWorld({ open });
    let attempts = 0;
    const worker = world.worker({
      agents: {
        slow: async (_run, context) => {
          attempts += 1;
          await context.step('hang', forever);
        },
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, {
      agentId: 'slow',
      attemptTimeoutSeconds: 0.1,
      attemptsMax: 2,
    });
    expect(await reached(runId, 'timeout')).toMatchObject({ attempts: 2, errorCode: 'E-RUN-005' });
    expect(attempts).toBe(2);
    await worker.idle();
    await world.work.file(project);
    await until(async () => (await world.store.getRun(project, runId)).counts.openSteps === 0);
    expect((await world.store.getRun(project, runId)).counts).toMatchObject({ interrupted: 2, missing: 0 });
  });

  it('move each run of a dead worker once, however many reapers look', async () => {
    world = await openWorld({ open });
    const mortal = createMortal(world.another());
    let begun = 0;
    const worker = world.worker(
      {
        agents: {
          doomed: async (_run, context) => {
            await context.step('hang', () => ((begun += 1), forever()));
          },
        },
        leaseMs: 400,
        heartbeatMs: 50,
        reapMs: null,
        concurrency: 25,
      },
      mortal.parts,
    );
    await worker.start();
    const runs = await world.runs.create(
      project,
      Array.from({ length: 25 }, (_each, index) => ({ agentId: 'doomed', attemptsMax: index < 5 ? 1 : 3 })),
    );
    await until(() => begun === 25);
    await mortal.parts.recorderOf(project).settle();
    mortal.die();
    const counts = { reclaimed: 0, ended: 0 };
    const others = [world.another(), world.another()];
    await until(async () => {
      for (const count of await Promise.all(others.map((parts) => reapOnce(parts, () => true)))) {
        counts.reclaimed += count.reclaimed;
        counts.ended += count.ended;
      }
      return counts.reclaimed + counts.ended >= 25;
    });
    expect(counts).toEqual({ reclaimed: 20, ended: 5 });
    const rows = await Promise.all(runs.map(({ runId }) => rowOf(runId)));
    expect(rows.filter(({ state, errorCode }) => state === 'pending' && errorCode === 'E-RUN-002')).toHaveLength(20);
    expect(rows.filter(({ state, endReason }) => state === 'failed' && endReason === 'lease_lost')).toHaveLength(5);
    await world.work.file(project);
    const views = await Promise.all(runs.map(({ runId }) => world.store.getRun(project, runId)));
    expect(views.map(({ counts: { openSteps, interrupted } }) => [openSteps, interrupted])).toEqual(
      views.map(() => [0, 1]),
    );
  });
});
