import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  asks,
  createScriptedProvider,
  createWorkplace,
  executable,
  says,
} from '../../src/capture/claude-agent/claude.fixture.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from '../../test/indexer/home.ts';
import { createTemporaryHome } from '../../test/indexer/home.ts';
import { nodePath, root } from '../../test/node.ts';

const isReady = existsSync(join(root, 'dist/claude-agent.js')) && executable !== null;

let place: TemporaryHome;
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

const name = 'mcp__towns__population';
const answer = 'Oslo is larger by 587,000 people.';
const program = join(import.meta.dirname, 'agent.mjs');

/** Runs the example as its user would, before it the words given; what it printed. */
async function runExample(...before: string[]): Promise<string> {
  const provider = await createScriptedProvider((call) =>
    call.said.includes('tool_result')
      ? says(answer)
      : asks([
          { id: 'toolu_bern', name, input: { town: 'Bern' } },
          { id: 'toolu_atlantis', name, input: { town: 'Atlantis' } },
        ]),
  );
  const workplace = createWorkplace(provider.url);
  try {
    const env = { ...workplace.env, TACHOGRAPH_HOME: place.home };
    const { stdout } = await promisify(execFile)(nodePath, [...before, program], { env });
    expect(provider.calls).toHaveLength(2);
    return stdout;
  } finally {
    await provider.close();
    workplace.remove();
  }
}

async function expectOneRun(): Promise<void> {
  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    const { items } = await home.store.listRuns('default', {}, { limit: 50 });
    expect(items).toHaveLength(1);
    const [run] = items;
    expect(run).toMatchObject({ agentId: 'town-agent', status: 'completed', capture: 'claude-agent' });
    // 2 × (100 × $4 + 20 × $20 + 11 × $0.20 + 3 × $5 + 4 × $8) for a million tokens, in nano-USD.
    expect([run!.usage.input.total, run!.usage.output.total, run!.costNanoUsd]).toEqual([236, 40, 1_698_400]);
    const steps = await home.store.listSteps('default', run!.id);
    expect(steps.map(({ kind, callId, status }) => [kind, callId, status])).toEqual([
      ['model', null, 'completed'],
      ['tool', 'toolu_bern', 'completed'],
      ['tool', 'toolu_atlantis', 'error'],
      ['model', null, 'completed'],
    ]);
    expect(steps[2]!.error!.message).toContain('no figures for Atlantis');
  } finally {
    await home.close();
  }
}

describe.skipIf(!isReady)('the example agent (skipped when dist or the executable is not there)', () => {
  test('looks up, answers and is recorded', async () => {
    expect(await runExample()).toBe(`${answer}\n`);
    await expectOneRun();
  });

  test('is counted once behind the recording proxy too', async () => {
    const before = [join(root, 'bin/tachograph.cjs'), 'run', '--proxy', '--', nodePath];
    expect(await runExample(...before)).toBe(`${answer}\n`);
    await expectOneRun();
  });
});
