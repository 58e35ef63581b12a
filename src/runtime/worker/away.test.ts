import { afterEach, describe, expect, it } from 'vitest';
import type { WorkStore } from '../../core/work/work.ts';
import type { World } from '../world.fixture.ts';
import { openWorld, until } from '../world.fixture.ts';

const project = 'default';
let world: World;

afterEach(async () => {
  await world.close();
});

/** Parts whose store fails as the test says, call by call. */
function withChange(change: WorkStore['change']) {
  const parts = world.another();
  return { ...parts, work: { ...world.work, change } };
}

async function runOnce(change: WorkStore['change']): Promise<{ calls: number; runId: string }> {
  let calls = 0;
  const agents = { agent: () => ((calls += 1), 'done') };
  const worker = world.worker({ agents, leaseMs: 5000, heartbeatMs: 100, reapMs: null }, withChange(change));
  await worker.start();
  const { runId } = await world.runs.create(project, { agentId: 'agent' });
  await until(async () => (await world.runs.get(project, runId)).finishedAtMs !== null);
  await until(() => worker.status().finished === 1);
  return { calls, runId };
}

describe('a store that is away for a while', () => {
  it('is waited for with an end that is there to be written, as long as the lease is held', async () => {
    world = await openWorld();
    let fails = 3;
    const { calls, runId } = await runOnce((...given) =>
      (fails -= 1) >= 0 ? Promise.reject(new Error('the line is cut')) : world.work.change(...given),
    );
    expect(calls).toBe(1);
    expect(await world.runs.get(project, runId)).toMatchObject({ state: 'completed', attempts: 1 });
    expect(world.errors).toHaveLength(3);
  });

  it('is not told twice of an end whose answer was lost', async () => {
    world = await openWorld();
    let isLost = false;
    const { calls, runId } = await runOnce(async (...given) => {
      const answers = await world.work.change(...given);
      if (isLost) return answers;
      isLost = true;
      throw new Error('the answer was lost');
    });
    expect(calls).toBe(1);
    expect((await world.store.getRun(project, runId)).counts).toMatchObject({ missing: 0, late: 0 });
    const ends = (await world.store.listEvents(project, runId)).filter(({ header }) => header.type === 'run-end');
    expect(ends).toHaveLength(1);
  });

  it('loses nothing of what was recorded while an end is refused', async () => {
    world = await openWorld();
    const parts = withChange(async (projectId, changes) => {
      await world.runs.cancel(project, changes[0]!.runId, { reason: 'just before the end' });
      return await world.work.change(projectId, changes);
    });
    const worker = world.worker(
      { agents: { agent: (_run, context) => context.step('only', () => 'done') }, reapMs: null },
      parts,
    );
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'agent' });
    await until(async () => (await world.runs.get(project, runId)).finishedAtMs !== null);
    await worker.stop();
    const run = await world.store.getRun(project, runId);
    expect(run).toMatchObject({ status: 'cancelled', outputId: null, counts: { missing: 0 } });
    const events = await world.store.listEvents(project, runId);
    expect(events.map(({ header }) => header.type).sort()).toEqual([
      'run-create',
      'run-end',
      'run-start',
      'step-end',
      'step-start',
    ]);
  });
});
