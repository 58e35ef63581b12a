import { afterEach, expect } from 'vitest';
import type { WorkRow } from '../../core/work/work.ts';
import type { World } from '../world.fixture.ts';
import { onStores, openWorld, until } from '../world.fixture.ts';

const project = 'default';
const forever = (): Promise<never> => new Promise(() => undefined);
let world: World;

afterEach(async () => {
  await world.close();
});

const rowOf = (runId: string): Promise<WorkRow> => world.runs.get(project, runId);

onStores('a worker that stops', ({ open, it }) => {
  it('lets be finished what is finished in time, gives back the rest at once, and counts no attempt for it', async () => {
    world = await openWorld({ open });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => void (release = resolve));
    let begun = 0;
    const reasons: unknown[] = [];
    const worker = world.worker({
      agents: {
        polite: async () => ((begun += 1), await held, 'done'),
        endless: async (_run, context) => {
          begun += 1;
          context.signal.addEventListener('abort', () => reasons.push(context.signal.reason));
          await context.step('wait', forever);
        },
      },
      concurrency: 2,
    });
    await worker.start();
    const [polite, endless, later] = await world.runs.create(project, [
      { agentId: 'polite' },
      { agentId: 'endless' },
      { agentId: 'polite', availableAtMs: Date.now() + 100 },
    ]);
    await until(() => begun === 2);
    expect(await world.work.listWorkers(project)).toMatchObject([{ workerId: worker.workerId, isStopping: false }]);
    const stopped = worker.stop({ graceMs: 400 });
    await until(async () => (await world.work.listWorkers(project))[0]?.isStopping === true);
    release();
    await stopped;
    expect(await rowOf(polite!.runId)).toMatchObject({ state: 'completed' });
    expect(await rowOf(endless!.runId)).toMatchObject({ state: 'pending', attempts: 0, workerId: null, leaseEpoch: 1 });
    expect(await rowOf(later!.runId)).toMatchObject({ state: 'pending', leaseEpoch: 0 });
    expect(reasons).toMatchObject([{ code: 'E-RUN-004' }]);
    expect(await world.work.listWorkers(project)).toEqual([]);
    expect(worker.status()).toMatchObject({ isRunning: false, running: 0, waiting: 0, ending: 0 });
    await world.work.file(project);
    const run = await world.store.getRun(project, endless!.runId);
    expect(run).toMatchObject({ status: 'pending', counts: { openSteps: 0, interrupted: 1, missing: 0 } });
    expect(run.work).toMatchObject({ attempts: 0, workerId: null });
  });

  it('can be started again, and takes up what it gave back', async () => {
    world = await openWorld({ open });
    const attempts: number[] = [];
    const worker = world.worker({
      agents: {
        patient: async (run) => {
          attempts.push(run.attempt);
          return attempts.length === 1 ? await forever() : 'done';
        },
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'patient' });
    await until(() => attempts.length === 1);
    await worker.stop({ graceMs: 0 });
    await worker.start();
    await until(async () => (await rowOf(runId)).state === 'completed');
    expect(attempts).toEqual([1, 1]);
    expect(await rowOf(runId)).toMatchObject({ attempts: 1, leaseEpoch: 2 });
  });
});
