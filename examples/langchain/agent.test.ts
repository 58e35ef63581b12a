import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AttemptView } from '../../src/core/model/attempt.ts';
import type { RunView } from '../../src/core/model/run.ts';
import type { StepView } from '../../src/core/model/step.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { CommandResult } from '../../test/end-to-end/command.ts';
import type { TemporaryHome } from '../../test/indexer/home.ts';
import { createTemporaryHome } from '../../test/indexer/home.ts';
import { nodePath, root } from '../../test/node.ts';
import type { Answer, PlaybackServer } from '../../test/playback/server.ts';
import { createPlaybackServer } from '../../test/playback/server.ts';

const isBuilt = existsSync(join(root, 'dist/langchain.js'));
const plain = join(import.meta.dirname, 'agent.mjs');
const withHandler = join(import.meta.dirname, 'recorded.mjs');
const mainFile = join(root, 'src/cli/main.ts');
const sentence = 'Oslo is larger by 587,000 people.';

let place: TemporaryHome;
let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

const call = (id: string, name: string, args: object): object => ({
  id,
  type: 'function',
  function: { name, arguments: JSON.stringify(args) },
});

function answer(id: string, message: object, finish: string): Answer {
  const usage = { prompt_tokens: 50, completion_tokens: 9, total_tokens: 59 };
  const choices = [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason: finish }];
  return { body: { id, object: 'chat.completion', created: 0, model: 'gpt-5-mini', choices, usage } };
}

const script: readonly Answer[] = [
  answer(
    'one',
    { tool_calls: [call('a', 'population', { town: 'Bern' }), call('b', 'population', { town: 'Oslo' })] },
    'tool_calls',
  ),
  { status: 429, body: { error: { message: 'slow down' } }, headers: { 'retry-after': '0' } },
  answer('two', { tool_calls: [call('c', 'subtract', { a: 724_000, b: 137_000 })] }, 'tool_calls'),
  answer('three', { content: sentence }, 'stop'),
];

async function start(baseUrl: string, command: string, args: readonly string[]): Promise<CommandResult> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      TACHOGRAPH_HOME: place.home,
      OPENAI_API_KEY: 'k',
      OPENAI_BASE_URL: baseUrl,
      LANGCHAIN_TRACING_V2: 'false',
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

const tachograph = (baseUrl: string, ...args: readonly string[]): Promise<CommandResult> =>
  start(baseUrl, process.execPath, [mainFile, '--home', place.home, ...args]);

interface Recorded {
  readonly run: RunView;
  readonly steps: readonly StepView[];
  readonly attempts: readonly AttemptView[];
}

/** All that was recorded: fails when it is not one run. */
async function readOnlyRun(): Promise<Recorded> {
  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    const { items } = await home.store.listRuns('default', {}, { limit: 50 });
    expect(items.map(({ agentId }) => agentId)).toEqual(['town-graph']);
    const run = items[0]!;
    const steps = await home.store.listSteps('default', run.id);
    return { run, steps, attempts: await home.store.listAttempts('default', run.id) };
  } finally {
    await home.close();
  }
}

/** The one account there is of the script above, however it was recorded. */
function expectWhole({ run, steps, attempts }: Recorded): void {
  expect(run).toMatchObject({ status: 'completed', sessionId: 'towns', parentRunId: null });
  const told = steps.filter(({ kind }) => kind !== 'phase');
  expect(told.map(({ kind, name, status, attemptCount }) => [kind, name, status, attemptCount])).toEqual([
    ['model', 'ChatOpenAI', 'completed', 1],
    ['tool', 'population', 'completed', 0],
    ['tool', 'population', 'completed', 0],
    ['model', 'ChatOpenAI', 'completed', 2],
    ['tool', 'subtract', 'completed', 0],
    ['model', 'ChatOpenAI', 'completed', 1],
  ]);
  expect(told.filter(({ kind }) => kind === 'tool').map(({ parentStepId }) => parentStepId)).toEqual([
    told[0]!.id,
    told[0]!.id,
    told[3]!.id,
  ]);
  expect(steps.filter(({ kind }) => kind === 'phase').map(({ name }) => name)).toContain('tools');
  expect(attempts.map(({ responseStatus }) => responseStatus).toSorted()).toEqual([200, 200, 200, 429]);
}

describe.skipIf(!isBuilt)('the example (skipped when dist is not built)', () => {
  test('unchanged under tachograph run, and replayed with its model gone', async () => {
    const baseUrl = server.script(script);
    const recorded = await tachograph(baseUrl, 'run', '--', nodePath, plain);
    expect([recorded.out, recorded.status]).toEqual([`${sentence}\n`, 0]);
    const whole = await readOnlyRun();
    expectWhole(whole);

    const elsewhere = `https://api.openai.com${new URL(baseUrl).pathname}`;
    const replayed = await tachograph(elsewhere, 'replay', whole.run.id, '--', nodePath, plain);
    expect([replayed.out, replayed.status]).toEqual([`${sentence}\n`, 0]);
    expect(replayed.err).toContain('none asked live');
    const other = await tachograph(elsewhere, 'replay', whole.run.id, '--', nodePath, plain, 'Which is older?');
    expect(other.status).toBe(1);
    expect(other.err).toMatch(/diverged at step 2:[^]*- .*Which is larger[^]*\+ .*Which is older\?/);
  });

  test('with a handler of its own', async () => {
    const result = await start(server.script(script), nodePath, [withHandler]);
    expect(result).toEqual({ out: `${sentence}\n`, err: '', status: 0 });
    expectWhole(await readOnlyRun());
  });

  test('with a handler of its own under tachograph run: recorded once', async () => {
    const result = await tachograph(
      server.script(script),
      'run',
      '--hosts',
      '127.0.0.1:*',
      '--',
      nodePath,
      withHandler,
    );
    expect([result.out, result.status]).toEqual([`${sentence}\n`, 0]);
    expectWhole(await readOnlyRun());
  });
});
