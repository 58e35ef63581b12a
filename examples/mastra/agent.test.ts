import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ModelServer } from '../../src/capture/mastra/mastra.fixture.ts';
import { openModelServer } from '../../src/capture/mastra/mastra.fixture.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { CommandResult } from '../../test/end-to-end/command.ts';
import type { TemporaryHome } from '../../test/indexer/home.ts';
import { createTemporaryHome } from '../../test/indexer/home.ts';
import { nodePath, root } from '../../test/node.ts';

const isBuilt = existsSync(join(root, 'dist/mastra.js'));
const program = join(import.meta.dirname, 'agent.mjs');
const mainFile = join(root, 'src/cli/main.ts');

let place: TemporaryHome;
let server: ModelServer;

beforeAll(async () => {
  server = await openModelServer();
});
afterAll(() => server.close());
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

/** Runs a command; nothing in it may speak to anything but loopback, and Mastra counts nothing. */
async function start(command: string, args: readonly string[]): Promise<CommandResult> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      MASTRA_TELEMETRY_DISABLED: '1',
      TACHOGRAPH_HOME: place.home,
      OPENAI_API_KEY: 'k',
      OPENAI_BASE_URL: `${server.origin}/v1`,
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

const tachograph = (...args: readonly string[]): Promise<CommandResult> =>
  start(process.execPath, [mainFile, '--home', place.home, ...args]);

const sentence = 'Oslo is larger than Bern, by 587,000 people.';

function script(): void {
  server.model(
    'gpt-5-mini',
    {
      calls: [
        { name: 'population', args: { town: 'Bern' } },
        { name: 'population', args: { town: 'Oslo' } },
      ],
    },
    { calls: [{ name: 'agent-comparer', args: { prompt: 'Bern has 137000 people, Oslo 724000' } }] },
    { text: 'Oslo, by 587,000.' },
    { text: sentence },
  );
}

test.skipIf(!isBuilt)(
  'the example is recorded, and replays with its model gone (skipped when dist is not built)',
  async () => {
    script();
    const recorded = await tachograph('run', '--hosts', '127.0.0.1:*', '--', nodePath, program);
    expect([recorded.out, recorded.status]).toEqual([`${sentence}\n`, 0]);

    const home = await openTachograph({ home: place.home });
    let townRunId: string;
    try {
      await home.indexer.catchUp();
      const { items } = await home.store.listRuns('default', {}, { limit: 50 });
      expect(items.map(({ agentId }) => agentId).toSorted()).toEqual(['comparer', 'town-agent']);
      const towns = items.find(({ agentId }) => agentId === 'town-agent')!;
      const comparer = items.find(({ agentId }) => agentId === 'comparer')!;
      townRunId = towns.id;
      const steps = (await home.store.listSteps('default', towns.id)).filter(({ kind }) => kind !== 'phase');
      expect(steps.map(({ kind, name, status, attemptCount }) => [kind, name, status, attemptCount])).toEqual([
        ['model', null, 'completed', 1],
        ['tool', 'population', 'completed', 0],
        ['tool', 'population', 'completed', 0],
        ['model', null, 'completed', 1],
        ['tool', 'agent-comparer', 'completed', 0],
        ['model', null, 'completed', 1],
      ]);
      expect(towns).toMatchObject({ status: 'completed' });
      expect(towns.usage.input.total).toBe(300);
      expect(comparer).toMatchObject({ parentRunId: towns.id, parentStepId: steps[4]!.id, status: 'completed' });
    } finally {
      await home.close();
    }

    server.asked.length = 0;
    const replayed = await tachograph('replay', townRunId, '--', nodePath, program);
    expect(replayed.err).toContain('replayed 4 requests of 4, none asked live');
    expect([replayed.out, replayed.status]).toEqual([`${sentence}\n`, 0]);
    expect(server.asked).toEqual([]);

    const asked = await tachograph('replay', townRunId, '--', nodePath, program, 'Which is older?');
    expect(asked.err).toMatch(/diverged at step 1:[^]*- .*Which is larger[^]*\+ .*Which is older\?/);
    const source = readFileSync(program, 'utf8').replace('724_000', '731_000');
    const counted = await tachograph('replay', townRunId, '--', nodePath, '--input-type=module', '-e', source);
    expect(counted.err).toMatch(/diverged at step 4:[^]*724000[^]*731000/);
    expect(server.asked).toEqual([]);
  },
);

test.skipIf(!isBuilt)(
  'without Tachograph around it, the example just runs (skipped when dist is not built)',
  async () => {
    script();
    expect(await start(nodePath, [program])).toEqual({ status: 0, out: `${sentence}\n`, err: '' });
  },
);
