import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTachograph } from '../../cli/open.ts';
import type { TemporaryHome } from '../../../test/indexer/home.ts';
import { createTemporaryHome } from '../../../test/indexer/home.ts';
import { nodePath, root } from '../../../test/node.ts';
import type { ResponsesServer } from './responses-server.fixture.ts';
import { call, createResponsesServer, say } from './responses-server.fixture.ts';

let server: ResponsesServer;
let place: TemporaryHome;
beforeAll(async () => void (server = await createResponsesServer()));
afterAll(() => server.close());
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

const register = pathToFileURL(join(import.meta.dirname, 'hook-register.fixture.ts')).href;

/** A program with a processor of its own: what it is told must be what it would be told unrecorded. */
const program = `
  import { Agent, run, setTraceProcessors } from '@openai/agents';
  let told = 0;
  const tell = async () => void (told += 1);
  setTraceProcessors([{ onTraceStart: tell, onTraceEnd: tell, onSpanStart: tell, onSpanEnd: tell, shutdown: tell, forceFlush: tell }]);
  const clerk = new Agent({ name: 'Clerk', instructions: 'Answer.' });
  const desk = Agent.create({ name: 'Desk', instructions: 'Route.', handoffs: [clerk] });
  const result = await run(desk, 'help');
  console.log(result.finalOutput, told);
  process.exit(0);`;

async function runProgram(env: Readonly<Record<string, string>>): Promise<string> {
  const args = ['--import', register, '--input-type=module', '-e', program];
  const own = { OPENAI_BASE_URL: server.baseURL, OPENAI_API_KEY: 'k', TACHOGRAPH_HOME: place.home, NODE_ENV: '' };
  const options = { cwd: root, env: { ...process.env, NODE_OPTIONS: '', ...own, ...env } };
  const { stdout } = await promisify(execFile)(nodePath, args, options);
  return stdout.trim();
}

async function readRuns() {
  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    const { items } = await home.store.listRuns('default', {}, { limit: 50 });
    return await Promise.all(items.map(async (run) => ({ run, steps: await home.store.listSteps('default', run.id) })));
  } finally {
    await home.close();
  }
}

beforeEach(() =>
  server.script((asked) => ({
    output: asked.instructions === 'Route.' ? [call('transfer_to_Clerk', {})] : [say('I am the clerk.')],
  })),
);

test('a program that knows nothing of it is one run, and its own processor hears all it would', async () => {
  expect(await runProgram({})).toBe('I am the clerk. 18');
  const runs = await readRuns();
  expect(runs.map(({ run }) => [run.agentId, run.name, run.status])).toEqual([['Desk', 'Agent workflow', 'completed']]);
  expect(runs[0]!.steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([
    ['phase', 'Desk', 'completed'],
    ['model', null, 'completed'],
    ['phase', 'handoff', 'completed'],
    ['phase', 'Clerk', 'completed'],
    ['model', null, 'completed'],
  ]);
});

test('with tracing turned off by its user, the model calls are what HTTP tells', async () => {
  expect(await runProgram({ OPENAI_AGENTS_DISABLE_TRACING: '1' })).toBe('I am the clerk. 0');
  const runs = await readRuns();
  expect(runs.flatMap(({ steps }) => steps.map(({ kind, status }) => [kind, status]))).toEqual([
    ['model', 'completed'],
    ['model', 'completed'],
  ]);
});
