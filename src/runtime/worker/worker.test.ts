import { afterEach, expect } from 'vitest';
import { TachographError } from '../../core/error.ts';
import type { RunContext } from '../handler/handler.ts';
import type { World } from '../world.fixture.ts';
import { createMortal, onStores, openWorld, until } from '../world.fixture.ts';

const project = 'default';
let world: World;

afterEach(async () => {
  await world.close();
});

const stateOf = async (runId: string) => (await world.runs.get(project, runId)).state;

onStores('a worker', ({ open, it }) => {
  it('takes a run, does its step and its tool, and completes it with what the handler gave', async () => {
    world = await openWorld({ open });
    const worker = world.worker({
      agents: {
        greeter: async (run, context) => {
          const name = await context.step('look up', () => (run.input as { name: string }).name.toUpperCase());
          const sent = await context.tool('say', { to: name }, ({ to }) => `hello ${to}`, { class: 'idempotent' });
          return { sent };
        },
      },
    });
    await worker.start();
    const { runId, duplicate } = await world.runs.create(project, { agentId: 'greeter', input: { name: 'ada' } });
    expect(duplicate).toBe(false);
    await until(async () => (await stateOf(runId)) === 'completed');
    await worker.idle();
    await world.work.file(project, runId);
    const run = await world.store.getRun(project, runId);
    expect(run).toMatchObject({ status: 'completed', endReason: 'ok', errorCode: null });
    expect(run.counts).toMatchObject({ steps: 2, toolSteps: 1, openSteps: 0, missing: 0, late: 0, errors: 0 });
    const steps = await world.store.listSteps(project, runId);
    expect(steps.map(({ kind, name, status, resultStatus }) => ({ kind, name, status, resultStatus }))).toEqual([
      { kind: 'phase', name: 'look up', status: 'completed', resultStatus: null },
      { kind: 'tool', name: 'say', status: 'completed', resultStatus: 'success' },
    ]);
    const [output] = await world.store.readContents(project, runId, [run.outputId!]);
    expect(JSON.parse(Buffer.from(output!.bytes).toString())).toEqual({ sent: 'hello ADA' });
    expect(await world.work.readOrder(project, runId)).toBeNull();
    expect(world.errors).toEqual([]);
    expect(await world.store.rebuildRun(project, runId)).toEqual([]);
  });

  it('tries a failed run again, and ends it when no attempt is left', async () => {
    world = await openWorld({ open });
    let attempts = 0;
    const worker = world.worker({
      agents: {
        broken: () => {
          attempts += 1;
          throw new Error('the sea is rough');
        },
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'broken', attemptsMax: 3 });
    await until(async () => (await stateOf(runId)) === 'failed');
    const row = await world.runs.get(project, runId);
    expect({ attempts, row }).toMatchObject({ attempts: 3, row: { attempts: 3, errorCode: 'E-RUN-001' } });
    await world.work.file(project, runId);
    const run = await world.store.getRun(project, runId);
    expect(run).toMatchObject({ status: 'failed', endReason: 'error', errorCode: 'E-RUN-001' });
    expect(run.errorDetail).toContain('the sea is rough');
    const dead = await world.runs.listDead(project);
    expect(dead.items.map((each) => each.runId)).toEqual([runId]);
  });

  it('does not try again what cannot pass', async () => {
    world = await openWorld({ open });
    const worker = world.worker({
      agents: {
        spender: () => {
          throw new TachographError('E-BUDGET-004', 'nothing is left');
        },
        talker: () => {
          throw new TachographError('E-SCHEMA-001', 'no such form');
        },
      },
    });
    await worker.start();
    const [spent, talked] = await world.runs.create(project, [{ agentId: 'spender' }, { agentId: 'talker' }]);
    await until(async () => (await stateOf(spent!.runId)) === 'failed' && (await stateOf(talked!.runId)) === 'failed');
    expect(await world.runs.get(project, spent!.runId)).toMatchObject({
      attempts: 1,
      endReason: 'budget_exceeded',
      errorCode: 'E-BUDGET-004',
    });
    expect(await world.runs.get(project, talked!.runId)).toMatchObject({ attempts: 1, endReason: 'schema_invalid' });
  });

  it('takes over from a worker that died, and does not repeat what it had done', async () => {
    world = await openWorld({ open });
    const done: string[] = [];
    const handler =
      (name: string) =>
      async (_run: unknown, context: RunContext): Promise<string> => {
        const first = await context.step('first', () => (done.push(`first by ${name}`), name));
        if (name === 'one') await new Promise(() => undefined);
        return await context.step('second', () => (done.push(`second by ${name}`), `${first} then ${name}`));
      };
    const mortal = createMortal(world.another());
    const times = { leaseMs: 300, heartbeatMs: 50 };
    const one = world.worker({ agents: { relay: handler('one') }, reapMs: null, ...times }, mortal.parts);
    await one.start();
    const { runId } = await world.runs.create(project, { agentId: 'relay' });
    await until(() => done.length === 1);
    await until(async () => (await world.work.listMemos(project, runId)).length === 1);
    mortal.die();
    const two = world.worker({ agents: { relay: handler('two') }, reapMs: 20, ...times }, world.another());
    await two.start();
    await until(async () => (await stateOf(runId)) === 'completed');
    expect(done).toEqual(['first by one', 'second by two']);
  });
});
