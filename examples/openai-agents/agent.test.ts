import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Asked, ResponsesServer } from '../../src/capture/openai-agents/responses-server.fixture.ts';
import {
  call,
  createResponsesServer,
  hasResult,
  say,
} from '../../src/capture/openai-agents/responses-server.fixture.ts';

const root = join(import.meta.dirname, '../..');
const program = join(import.meta.dirname, 'agent.mjs');
const mainFile = join(root, 'src/cli/main.ts');
const home = mkdtempSync(join(tmpdir(), 'tachograph-agents-'));
let server: ResponsesServer;
let runId: string;
let env: Record<string, string>;

async function run(...args: readonly string[]): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: '', TACHOGRAPH_HOME: home, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

const tachograph = (...args: readonly string[]): ReturnType<typeof run> => run(mainFile, '--home', home, ...args);

const called = ({ input }: Asked, name: string): boolean =>
  input.some((item) => item.type === 'function_call' && item['name'] === name);

beforeAll(async () => {
  // The example imports the package by its name, as its user would: what it gets is the built one.
  if (!existsSync(join(root, 'dist/openai-agents.js'))) await run(join(root, 'scripts/build.ts'), '--if-stale');
  server = await createResponsesServer();
  env = { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'k' };
  server.script((asked) => {
    if (asked.instructions?.startsWith('You compute') === true) return { output: [say('587000')] };
    if (asked.instructions?.startsWith('You answer') === true)
      return { output: [say('Oslo is larger by 587,000 people.')] };
    if (called(asked, 'compute')) return { output: [call('transfer_to_writer', {})] };
    if (hasResult(asked)) return { output: [call('compute', { input: '724000 - 137000' })] };
    return { output: [call('population', { town: 'Bern' }, 'a'), call('population', { town: 'Oslo' }, 'b')] };
  });
}, 120_000);
afterAll(() => {
  server.close();
  rmSync(home, { recursive: true, force: true });
});

test('the example answers, and its record shows agents, tools, the handoff and the run below a tool', async () => {
  const { status, out, err } = await run(program);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out.trim()).toBe('Oslo is larger by 587,000 people.');
  const told = await tachograph('ls', '--nested', '--json');
  const { items } = JSON.parse(told.out) as { items: { id: string; agentId: string; status: string; name: string }[] };
  expect(items.map(({ agentId, status: end, name }) => [agentId, end, name]).toSorted()).toEqual([
    ['calculator', 'completed', 'Compare towns'],
    ['travel-desk', 'completed', 'Compare towns'],
  ]);
  runId = items.find(({ agentId }) => agentId === 'travel-desk')!.id;
  const desk = await tachograph('show', runId);
  expect(desk.out).toMatch(/travel-desk[^]*population[^]*population[^]*compute[^]*handoff[^]*writer/);
  expect(desk.out).toContain('intact, complete');
});

test('under tachograph run too it is recorded once', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'tachograph-agents-'));
  try {
    const { status, out } = await run(
      mainFile,
      '--home',
      elsewhere,
      'run',
      '--hosts',
      '127.0.0.1:*',
      '--',
      process.execPath,
      program,
    );
    expect([status, out.trim()]).toEqual([0, 'Oslo is larger by 587,000 people.']);
    const told = await run(mainFile, '--home', elsewhere, 'ls', '--nested', '--json');
    const { items } = JSON.parse(told.out) as { items: { agentId: string; counts: { modelSteps: number } }[] };
    expect(items.map(({ agentId }) => agentId).toSorted()).toEqual(['calculator', 'travel-desk']);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
});

test('it replays with its provider gone', async () => {
  server.close();
  const result = await tachograph('replay', runId, '--', process.execPath, program);
  expect(result.err).toContain('replayed 5 requests of 5, none asked live');
  expect(result.out.trim()).toBe('Oslo is larger by 587,000 people.');
  expect(result.status).toBe(0);
});

test('changed, it stops where it leaves its recording, and the difference is told', async () => {
  const asked = await tachograph('replay', runId, '--', process.execPath, program, 'Which is older?');
  expect(asked.status).toBe(1);
  expect(asked.err).toMatch(/diverged at step 2:[^]*- .*Which is larger[^]*\+ .*Which is older\?/);

  const source = readFileSync(program, 'utf8').replace('724_000', '731_000');
  const counted = await tachograph('replay', runId, '--', process.execPath, '--input-type=module', '-e', source);
  expect(counted.status).toBe(1);
  expect(counted.err).toMatch(/diverged at step 5:[^]*- .*724000[^]*\+ .*731000/);
});
