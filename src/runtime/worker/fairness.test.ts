import { afterEach, expect } from 'vitest';
import type { World } from '../world.fixture.ts';
import { onStores, openWorld, until } from '../world.fixture.ts';

let world: World;

afterEach(async () => {
  await world.close();
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

onStores('a worker for many', ({ open, it }) => {
  it('keeps no project waiting for more than two rounds of another that floods it', async () => {
    world = await openWorld({ open });
    const begun: string[] = [];
    const worker = world.worker({
      projectIds: 'all',
      agents: { busy: async (run) => (begun.push(run.projectId), await wait(10)) },
      concurrency: 4,
    });
    await world.runs.create(
      'flood',
      Array.from({ length: 80 }, () => ({ agentId: 'busy' })),
    );
    await worker.start();
    await until(() => begun.length >= 8);
    await world.runs.create('small', { agentId: 'busy' });
    const before = begun.length;
    await until(() => begun.includes('small'));
    expect((begun.indexOf('small') - before) / 4).toBeLessThanOrEqual(2);
    await until(() => begun.length === 81);
  });

  it('has at most as many runs at work as it, its agent and its project may', async () => {
    world = await openWorld({ open });
    let now = 0;
    let most = 0;
    const run = async (): Promise<void> => {
      now += 1;
      most = Math.max(most, now);
      await wait(5);
      now -= 1;
    };
    const create = async (agentId: string): Promise<void> => {
      await world.runs.create(
        'default',
        Array.from({ length: 12 }, () => ({ agentId })),
      );
      await until(
        async () => (await world.work.list('default', { agentId, states: ['completed'] }, {})).items.length === 12,
      );
    };
    const alone = world.worker({ agents: { free: run }, concurrency: 3 });
    await alone.start();
    await create('free');
    await alone.stop();
    expect(most).toBe(3);
    most = 0;
    const pair = [world.parts, world.another()].map((parts) =>
      world.worker({ agents: { bound: { run, runsMax: 2 } }, concurrency: 5 }, parts),
    );
    for (const worker of pair) await worker.start();
    await create('bound');
    for (const worker of pair) await worker.stop();
    expect(most).toBeLessThanOrEqual(2);
    most = 0;
    const agent = {
      projectId: 'default',
      agentId: 'said',
      tools: [],
      runsMax: 1,
      handlerVersion: null,
      updatedAtMs: 0,
    };
    await world.work.putAgent(agent);
    const said = world.worker({ agents: { said: run }, concurrency: 5 });
    await said.start();
    await create('said');
    await said.stop();
    expect(most).toBe(1);
    most = 0;
    const bound = world.worker({ agents: { free2: run }, concurrency: 5, projectRunsMax: 1 });
    await bound.start();
    await create('free2');
    expect(most).toBe(1);
  });
});
