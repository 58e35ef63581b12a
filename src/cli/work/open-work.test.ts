import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onPostgres } from '../../../test/postgres/cluster.ts';
import { createFetchCapture } from '../../capture/fetch/index.ts';
import type { AgentRegistration, Work, WorkOptions } from './open-work.ts';
import { openWork } from './open-work.ts';

// Two programs on one store: one creates, the other works. Their homes differ where the store is PostgreSQL.

let folder: string;
let opened: Work[];
const errors: unknown[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-open-work-'));
  opened = [];
});
afterEach(async () => {
  for (const work of opened) await work.close();
  rmSync(folder, { recursive: true, force: true });
  expect(errors.splice(0)).toEqual([]);
});

async function open(options: WorkOptions): Promise<Work> {
  const work = await openWork({ variables: {}, onError: (error) => errors.push(error), ...options });
  opened.push(work);
  return work;
}

const adder: AgentRegistration = {
  run: async (run, context) => {
    const { a, b } = run.input as { a: number; b: number };
    const sum = await context.step('add', () => a + b);
    const heard = await context.waitForSignal('double');
    return heard === true ? sum * 2 : sum;
  },
};

async function workTogether(creator: Work, other: Work): Promise<void> {
  const worker = other.createWorker({ agents: { adder } });
  await worker.start();
  const request = { agentId: 'adder', input: { a: 2, b: 3 }, idempotencyKey: 'sum' };
  const answers = await Promise.all([creator, other, creator, other].map((each) => each.createRun(request)));
  expect(new Set(answers.map(({ runId }) => runId)).size).toBe(1);
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  const { runId } = answers[0]!;
  expect(await creator.signal(runId, { id: 's', name: 'double', payload: true })).toBe(true);
  expect(await creator.signal(runId, { id: 's', name: 'double', payload: true })).toBe(false);
  expect(await creator.waitForEnd(runId, { timeoutMs: 20_000 })).toMatchObject({ state: 'completed', attempts: 1 });
  const late = await creator.createRun({ agentId: 'adder', input: { a: 1, b: 1 } });
  expect(await creator.cancel(late.runId)).toMatchObject({ isCancelled: true });
  expect((await other.getRun(late.runId))?.state).toBe('cancelled');
  await worker.stop({ graceMs: 100 });
}

describe('runs as work on SQLite', () => {
  it('are created by one program and done by another on the same home', { timeout: 30_000 }, async () => {
    const home = join(folder, 'home');
    await workTogether(await open({ home }), await open({ home }));
  });

  it('make no call once the emergency stop is on, and fail with its code', { timeout: 30_000 }, async () => {
    let calls = 0;
    const provider = createServer((_request, response) => {
      calls += 1;
      const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
      const message = { role: 'assistant', content: 'yes' };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ model: 'gpt-5-mini', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }),
      );
    });
    await new Promise<void>((resolve) => void provider.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
    const work = await open({ home: join(folder, 'home') });
    const stopFetch = createFetchCapture({ recorder: work.recorder, hosts: [host] }).install();
    try {
      const asker: AgentRegistration = {
        run: async () => {
          const body = JSON.stringify({ model: 'gpt-5-mini', messages: [{ role: 'user', content: 'well?' }] });
          const headers = { 'content-type': 'application/json' };
          const answer = await fetch(`http://${host}/v1/chat/completions`, { method: 'POST', headers, body });
          return ((await answer.json()) as { model: string }).model;
        },
      };
      const worker = work.createWorker({ agents: { asker } });
      await worker.start();
      const ask = async () =>
        work.waitForEnd((await work.createRun({ agentId: 'asker' })).runId, { timeoutMs: 10_000 });
      expect(await ask()).toMatchObject({ state: 'completed' });
      await work.setStop(true);
      expect(await ask()).toMatchObject({ state: 'failed', endReason: 'budget_exceeded', errorCode: 'E-BUDGET-003' });
      await work.setStop(false);
      expect(await ask()).toMatchObject({ state: 'completed' });
      expect(calls).toBe(2);
      await worker.stop({ graceMs: 100 });
    } finally {
      stopFetch();
      provider.close();
    }
  });

  it('cannot be opened by who has another secret', async () => {
    const home = join(folder, 'home');
    const [one, two] = [await open({ home, secret: 'a'.repeat(64) }), await open({ home, secret: 'b'.repeat(64) })];
    const worker = two.createWorker({ agents: { adder } });
    await worker.start();
    const { runId } = await one.createRun({ agentId: 'adder', input: { a: 1, b: 2 } });
    expect(await one.waitForEnd(runId, { timeoutMs: 10_000 })).toMatchObject({
      state: 'failed',
      errorCode: 'key-broken',
    });
    await worker.stop();
  });
});

describe('runs as work on PostgreSQL', () => {
  const { cluster, it: onCluster } = onPostgres();

  onCluster('are created on one machine and done on another, which is told of them', async () => {
    const { url } = await cluster().createDatabase();
    const of = (name: string): WorkOptions => ({
      home: join(folder, name),
      database: url,
      secret: 'c'.repeat(64),
      variables: { TACHOGRAPH_DATABASE_DIRECT_URL: url },
    });
    await workTogether(await open(of('one')), await open(of('two')));
  });
});
