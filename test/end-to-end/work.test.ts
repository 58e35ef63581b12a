import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunDetail } from '../../src/server/wire.ts';
import { tachograph } from './command.ts';

// Runs as work as their users meet them: by command, with workers in processes of their own, some of which are killed.

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const moduleFile = fileURLToPath(new URL('./work-agents.mjs', import.meta.url));

let home: string;
let children: ChildProcess[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tachograph-work-'));
  children = [];
});
afterEach(async () => {
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  rmSync(home, { recursive: true, force: true });
});

interface Line {
  readonly event: string;
  readonly runId?: string;
  readonly attempt?: number;
}

/** A process that tells what it does by JSON lines. */
function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [mainFile, ...args, '--home', home, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: Line[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    lines.push(JSON.parse(line) as Line);
    for (const listener of listeners) listener();
  });
  const until = (isIt: (line: Line) => boolean): Promise<Line> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = lines.find(isIt);
        if (found === undefined) return;
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
    });
  return { child, lines, until };
}

const startWorker = (...args: readonly string[]) => start('worker', moduleFile, '--lease', '2s', ...args);

/** What a command printed as JSON. */
async function ask<T>(...args: readonly string[]): Promise<T> {
  const { status, out, err } = await tachograph(home, ...args, '--json');
  expect([args[0], status, err]).toEqual([args[0], 0, '']);
  return JSON.parse(out) as T;
}

const create = async (agent: string, input: object, ...args: readonly string[]): Promise<string> =>
  (await ask<{ runId: string }>('create', agent, '--input', JSON.stringify(input), ...args)).runId;

const show = async (runId: string): Promise<RunDetail['run']> => (await ask<RunDetail>('show', runId)).run;

const stop = async ({ child }: { child: ChildProcess }): Promise<number | null> => {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
};

describe('a worker that is killed', { timeout: 120_000 }, () => {
  it('loses its run to another, which goes on where it was', async () => {
    const file = join(home, 'done.txt');
    const [one, two] = [startWorker(), startWorker()];
    await Promise.all([one, two].map(({ until }) => until(({ event }) => event === 'started')));
    const runId = await create('stepper', { steps: 3, stepMs: 1500, file });
    const isTaken = ({ event }: Line): boolean => event === 'took';
    const [victim, other] = await Promise.race([
      one.until(isTaken).then(() => [one, two] as const),
      two.until(isTaken).then(() => [two, one] as const),
    ]);
    // The first step is done and remembered, the second one is under way.
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => setTimeout(resolve, 700));
    victim.child.kill('SIGKILL');
    expect(await other.until(isTaken)).toMatchObject({ runId, attempt: 2 });
    await other.until(({ event }) => event === 'done');
    expect(await stop(other)).toBe(0);
    expect(await show(runId)).toMatchObject({ status: 'completed', work: { attempts: 2, leaseEpoch: 2 } });
    expect(readFileSync(file, 'utf8').trim().split('\n')).toEqual(['1', '2', '3']);
    const verdict = await ask<{ intact: { verdict: string } }>('verify', runId);
    expect(JSON.stringify(verdict)).not.toContain('edited');
  });

  it('is rescued by a server when no worker lives', async () => {
    const server = start('serve', '--port', '0', '--no-sample');
    await server.until(() => true);
    const { url } = server.lines[0] as unknown as { url: string };
    const worker = startWorker();
    const body = JSON.stringify({ agentId: 'stepper', input: { steps: 2, stepMs: 60_000 }, attemptsMax: 1 });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'once' };
    const post = (): Promise<Response> => fetch(`${url}/api/v1/runs`, { method: 'POST', headers, body });
    const [created, again] = [await post(), await post()];
    expect([created.status, again.status]).toEqual([201, 200]);
    const { runId } = (await created.json()) as { runId: string };
    // At once, whether it was filed or not.
    expect((await fetch(`${url}/api/v1/runs/${runId}`)).status).toBe(200);
    await worker.until(({ event }) => event === 'took');
    worker.child.kill('SIGKILL');
    const end = await ask<{ runs: { runId: string; errorCode: string }[] }>('dead').then(async (first) => {
      for (let page = first; ; page = await ask('dead')) {
        if (page.runs.length > 0) return page;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    });
    expect(end.runs).toMatchObject([{ runId, errorCode: 'E-RUN-002' }]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('tachograph_work_leases 0\n');
    await stop(server);
  });
});

describe('a worker that is stopped', { timeout: 120_000 }, () => {
  it('gives back what it cannot end, without the attempt being counted', async () => {
    const worker = startWorker('--grace', '1s');
    const runId = await create('stepper', { steps: 2, stepMs: 60_000 });
    await worker.until(({ event }) => event === 'took');
    expect(await stop(worker)).toBe(0);
    expect(await show(runId)).toMatchObject({ status: 'pending', work: { attempts: 0, workerId: null } });
  });
});

describe('the commands', { timeout: 120_000 }, () => {
  it('create, name, cancel', async () => {
    const runId = await create('stepper', { steps: 1 }, '--key', 'order-1', '--label', 'a=b', '--priority', '-3');
    expect(await ask('create', 'stepper', '--input', '{"steps":1}', '--key', 'order-1')).toEqual({
      runId,
      duplicate: true,
    });
    const conflict = await tachograph(home, 'create', 'stepper', '--input', '{"steps":2}', '--key', 'order-1');
    expect([conflict.status, conflict.err]).toEqual([1, expect.stringContaining('[idempotency-conflict]') as string]);
    expect(await show(runId)).toMatchObject({ status: 'pending', labels: { a: 'b' }, work: { priority: -3 } });
    expect((await tachograph(home, 'work')).out).toContain('stepper  pending  1');
    expect(await ask('cancel', runId)).toMatchObject({ runId, isCancelled: true, state: 'cancelled' });
    expect((await tachograph(home, 'cancel', runId)).status).toBe(1);
    expect((await tachograph(home, 'create', 'stepper', '--input', 'no json')).status).toBe(2);
    expect((await tachograph(home, 'create', 'stepper', '--priority', '5000')).status).toBe(2);
  });

  it('signal a run that waits, and drive a dead one again', async () => {
    const worker = startWorker();
    const waiting = await create('waiting', {});
    await worker.until(({ runId }) => runId === waiting);
    expect(await ask('signal', waiting, 'go', '--id', 's1', '--payload', '{"by":"ada"}')).toMatchObject({
      isNew: true,
    });
    await worker.until(({ runId, event }) => runId === waiting && event === 'done');
    const dead = await create('failing', {}, '--redrivable', '--attempts', '1');
    await worker.until(({ runId, event }) => runId === dead && event === 'failed');
    const { runs } = await ask<{ runs: { runId: string }[] }>('dead');
    expect(runs.map(({ runId }) => runId)).toEqual([dead]);
    const again = await ask<{ runId: string }>('redrive', dead);
    await worker.until(({ runId, event }) => runId === again.runId && event === 'failed');
    const rehearsal = await ask<{ tools: { name: string; action: string }[] }>('rehearse', 'failing');
    expect(rehearsal.tools.map(({ name }) => name)).toEqual(['look', 'send']);
    expect((await tachograph(home, 'rehearse', 'nobody')).status).toBe(1);
    expect((await tachograph(home, 'agents')).out).toContain('look (read), send (destructive)');
    expect(await stop(worker)).toBe(0);
  });

  it('keep schedules and budgets', async () => {
    const { schedule } = await ask<{ schedule: { nextAtMs: number } }>(
      ...['schedule', 'put', 'nightly', 'stepper', '--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin'],
    );
    expect(schedule).toMatchObject({ id: 'nightly', agentId: 'stepper', isPaused: false });
    expect(schedule.nextAtMs).toBeGreaterThan(Date.now());
    expect((await tachograph(home, 'schedule', 'put', 'x', 'stepper', '--cron', 'often')).status).toBe(2);
    expect((await tachograph(home, 'schedule', 'ls')).out).toContain('nightly');
    await ask('schedule', 'rm', 'nightly');
    expect((await tachograph(home, 'schedule', 'rm', 'nightly')).status).toBe(1);
    await ask('budget', 'set', 'project', '--usd', '20');
    await ask('budget', 'set', 'caller', '--caller', 'ada', '--tokens', '5000');
    const budgets = await ask<{ limits: { layer: string; scope: string }[] }>('budget', 'stop');
    expect(budgets).toMatchObject({ limits: [{ layer: 'project', nanoUsdMax: 20e9 }, { layer: 'caller' }] });
    expect(JSON.stringify(budgets)).not.toContain('ada');
    expect(await ask('budget', 'resume')).toMatchObject({ stops: { project: false } });
    expect((await tachograph(home, 'budget', 'set', 'agent', '--usd', '1')).status).toBe(2);
  });
});
