import { afterEach, expect } from 'vitest';
import type { TachographError } from '../../core/error.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { Handler, RunContext } from './handler.ts';
import type { World } from '../world.fixture.ts';
import { createMortal, onStores, openWorld, until } from '../world.fixture.ts';

const project = 'default';
const forever = (): Promise<never> => new Promise(() => undefined);
const times = { leaseMs: 300, heartbeatMs: 40 };
let world: World;

afterEach(async () => {
  await world.close();
});

const rowOf = (runId: string): Promise<WorkRow> => world.runs.get(project, runId);
const ended = async (runId: string): Promise<WorkRow> => {
  await until(async () => (await rowOf(runId)).finishedAtMs !== null);
  return await rowOf(runId);
};
const outputOf = async (runId: string): Promise<unknown> => {
  await world.work.file(project, runId);
  const { outputId } = await world.store.getRun(project, runId);
  const [content] = await world.store.readContents(project, runId, [outputId!]);
  return JSON.parse(Buffer.from(content!.bytes).toString());
};

/** Runs `first` in a process that dies once `isReady`, and `second` in one that takes the run over. */
async function takeOver(first: Handler, second: Handler, isReady: () => boolean): Promise<string> {
  const mortal = createMortal(world.another());
  await world.worker({ agents: { agent: first }, reapMs: null, ...times }, mortal.parts).start();
  const { runId } = await world.runs.create(project, { agentId: 'agent', isRedrivable: true });
  await until(isReady);
  mortal.die();
  await world.worker({ agents: { agent: second }, reapMs: 20, ...times }, world.another()).start();
  return runId;
}

onStores('a handler', ({ open, it }) => {
  it('is refused a step under another input than before, and the run fails for good', async () => {
    world = await openWorld({ open });
    let isBegun = false;
    const handler =
      (input: string, isLast: boolean): Handler =>
      async (_run, context) => {
        await context.step('load', { input }, () => input);
        isBegun = true;
        return isLast ? 'done' : await forever();
      };
    const runId = await takeOver(handler('a', false), handler('b', true), () => isBegun);
    expect(await ended(runId)).toMatchObject({ state: 'failed', errorCode: 'memo-conflict', attempts: 2 });
  });

  it('gets from a step the first time what it would get the second', async () => {
    world = await openWorld({ open });
    const seen: unknown[] = [];
    const handler =
      (isLast: boolean): Handler =>
      async (_run, context) => {
        const replaying = context.isReplaying;
        seen.push(
          replaying,
          await context.step('now', () => ({ at: new Date(0), gone: undefined })),
          context.isReplaying,
        );
        return isLast ? 'done' : await forever();
      };
    const runId = await takeOver(handler(false), handler(true), () => seen.length === 3);
    expect(await ended(runId)).toMatchObject({ state: 'completed' });
    const value = { at: '1970-01-01T00:00:00.000Z' };
    expect(seen).toEqual([false, value, false, true, value, false]);
  });

  it('never repeats a destructive call whose end nobody knows', async () => {
    world = await openWorld({ open });
    const calls: string[] = [];
    const handler: Handler = (_run, context) =>
      context.tool('refund', { cents: 500 }, async () => {
        calls.push('refund');
        return await forever();
      });
    const runId = await takeOver(handler, handler, () => calls.length === 1);
    expect(await ended(runId)).toMatchObject({ state: 'failed', errorCode: 'E-RUN-001', attempts: 2 });
    expect(calls).toEqual(['refund']);
    await world.work.file(project, runId);
    const steps = await world.store.listSteps(project, runId);
    expect(steps.map(({ name, status, resultStatus }) => [name, status, resultStatus])).toEqual([
      ['refund', 'interrupted', 'in_doubt'],
    ]);
    expect((await world.store.getRun(project, runId)).errorDetail).toContain('nobody knows whether it was done');
    expect(await world.work.listMemos(project, runId)).toMatchObject([{ status: 'in_doubt' }]);
  });

  it('takes the word of whoever looked at what a call in doubt has done', async () => {
    world = await openWorld({ open });
    const calls: string[] = [];
    const asked: string[] = [];
    const handler: Handler = (_run, context) =>
      context.tool(
        'refund',
        { cents: 500 },
        async (_args, { idempotencyKey }) => {
          calls.push(idempotencyKey);
          return await forever();
        },
        { onDoubt: ({ idempotencyKey }) => (asked.push(idempotencyKey), { result: 'it was done' }) },
      );
    const runId = await takeOver(handler, handler, () => calls.length === 1);
    expect(await ended(runId)).toMatchObject({ state: 'completed' });
    expect(await outputOf(runId)).toBe('it was done');
    expect(asked).toEqual(calls);
  });

  it('repeats an idempotent call with the same key, and a reading one as it is', async () => {
    world = await openWorld({ open });
    const keys: string[] = [];
    const handler: Handler = async (_run, context) => {
      const found = await context.tool('look', { id: 1 }, () => keys.push('read'), { class: 'read' });
      return await context.tool(
        'put',
        { id: 1 },
        async (_args, { idempotencyKey }) => {
          keys.push(idempotencyKey);
          return keys.length < 3 ? await forever() : found;
        },
        { class: 'idempotent' },
      );
    };
    const runId = await takeOver(handler, handler, () => keys.length === 2);
    expect(await ended(runId)).toMatchObject({ state: 'completed' });
    expect(keys).toEqual(['read', keys[1], keys[1]]);
  });

  it('sleeps without a worker, and goes on behind it', async () => {
    world = await openWorld({ open });
    const seen: string[] = [];
    const worker = world.worker({
      agents: {
        sleeper: async (run, context) => {
          await context.step('before', () => seen.push('before'));
          await context.sleep(1200);
          seen.push(`after, attempt ${run.attempt}`);
        },
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'sleeper' });
    await until(async () => (await rowOf(runId)).state === 'pending' && seen.length === 1);
    expect(await rowOf(runId)).toMatchObject({ workerId: null, attempts: 0 });
    expect(await ended(runId)).toMatchObject({ state: 'completed', attempts: 1, leaseEpoch: 2 });
    expect(seen).toEqual(['before', 'after, attempt 1']);
    expect(worker.status().running).toBe(0);
  });

  it('waits for a signal, takes the one that came before too, and gives up in time', async () => {
    world = await openWorld({ open });
    const worker = world.worker({
      agents: {
        listener: async (_run, context) => [
          await context.waitForSignal('go'),
          await context.waitForSignal('go'),
          await context.waitForSignal('never', { timeoutMs: 60 }),
        ],
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'listener' });
    await until(async () => (await rowOf(runId)).waitingFor === 'go');
    const first = { id: 'one', name: 'go', payload: { n: 1 } };
    expect(await world.runs.signal(project, runId, first)).toEqual({ isTaken: true });
    expect(await world.runs.signal(project, runId, first)).toEqual({ isTaken: false });
    await world.runs.signal(project, runId, { name: 'go', payload: { n: 2 } });
    expect(await ended(runId)).toMatchObject({ state: 'completed' });
    expect(await outputOf(runId)).toEqual([{ n: 1 }, { n: 2 }, null]);
    expect(await world.runs.signal(project, runId, { name: 'go' })).toEqual({ isTaken: false });
  });

  it('starts child runs once and waits for them, however often it is taken over', async () => {
    world = await openWorld({ open });
    let isFree = false;
    const worker = world.worker({
      agents: {
        parent: async (_run, context) => {
          const children = await Promise.all([1, 2].map((n) => context.startRun({ agentId: 'child', input: { n } })));
          const ends = [];
          for (const { runId } of children) ends.push((await context.waitFor(runId)).output);
          return ends;
        },
        child: async (run, context) => {
          while (!isFree && (run.input as { n: number }).n === 2) await context.sleep(30);
          return (run.input as { n: number }).n * 10;
        },
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'parent' });
    await until(async () => (await rowOf(runId)).waitingFor?.startsWith('run-end/') === true);
    isFree = true;
    const row = await ended(runId);
    expect(row).toMatchObject({ state: 'completed', attempts: 1, leaseEpoch: 2 });
    expect(await outputOf(runId)).toEqual([10, 20]);
    const children = await world.work.list(project, { parentRunId: runId }, {});
    expect(children.items.map((child) => [child.rootRunId, child.traceId])).toEqual([
      [runId, row.traceId],
      [runId, row.traceId],
    ]);
  });

  it('learns at its next call that its run was cancelled, and can do nothing more', async () => {
    world = await openWorld({ open });
    let go: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => void (go = resolve));
    const seen: unknown[] = [];
    const worker = world.worker({
      agents: {
        stubborn: async (_run, context) => {
          await context.step('first', () => 1);
          seen.push('begun');
          await gone;
          for (const name of ['second', 'third'])
            await context.step(name, () => name).catch((error: unknown) => seen.push((error as TachographError).code));
          seen.push((context.signal.reason as TachographError).code);
          return 'all is well';
        },
      },
    });
    await worker.start();
    const { runId } = await world.runs.create(project, { agentId: 'stubborn' });
    await until(() => seen.length === 1);
    expect(await world.runs.cancel(project, runId, { reason: 'enough' })).toMatchObject({ isCancelled: true });
    go();
    await until(() => seen.length === 4);
    expect(seen).toEqual(['begun', 'E-RUN-006', 'E-RUN-006', 'E-RUN-006']);
    await worker.idle();
    await world.work.file(project, runId);
    expect(await world.store.getRun(project, runId)).toMatchObject({ status: 'cancelled', outputId: null });
  });

  it('is told by its signal when the lease could not be kept', async () => {
    world = await openWorld({ open });
    let reason: unknown = null;
    const work = { ...world.work, heartbeat: () => Promise.reject(new Error('the line is cut')) };
    const worker = world.worker(
      {
        agents: {
          deaf: async (_run: unknown, context: RunContext) => {
            context.signal.addEventListener('abort', () => void (reason = context.signal.reason));
            await forever();
          },
        },
        leaseMs: 150,
        heartbeatMs: 30,
        reapMs: null,
      },
      { ...world.another(), work },
    );
    await worker.start();
    await world.runs.create(project, { agentId: 'deaf' });
    await until(() => reason !== null);
    expect(reason).toMatchObject({ code: 'E-RUN-004' });
  });
});
