import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from '../../test/indexer/home.ts';
import { createTemporaryHome } from '../../test/indexer/home.ts';
import { nodePath, root } from '../../test/node.ts';

const isBuilt = existsSync(join(root, 'dist/mcp.js'));

let place: TemporaryHome;
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

test.skipIf(!isBuilt)('the example records both sides (skipped when dist is not built: npm run build)', async () => {
  const program = join(import.meta.dirname, 'client.mjs');
  const env = { ...process.env, TACHOGRAPH_HOME: place.home, NODE_OPTIONS: '' };
  const { stdout, stderr } = await promisify(execFile)(nodePath, [program, 'Bern', 'Oslo', 'Atlantis'], { env });
  expect([stdout, stderr]).toEqual(['Bern: 137000\nOslo: 724000\nAtlantis: unknown\n', '']);

  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    const { items } = await home.store.listRuns('default', {}, { limit: 50 });
    const stepsOf = async (agentId: string, traceId?: string | null) => {
      const run = items.find(
        (each) => each.agentId === agentId && (traceId === undefined || each.traceId === traceId),
      )!;
      return { run, steps: await home.store.listSteps('default', run.id) };
    };
    const asked = await stepsOf('town-agent');
    expect(asked.run.status).toBe('completed');
    expect(asked.steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([
      ['phase', 'initialize', 'completed'],
      ['phase', 'tools/list', 'completed'],
      ['tool', 'population', 'completed'],
      ['tool', 'population', 'completed'],
      ['tool', 'population', 'error'],
    ]);
    const served = await stepsOf('towns', asked.run.traceId);
    expect(served.run.status).toBe('completed');
    expect(served.steps.map(({ name, status }) => [name, status])).toEqual([
      ['population', 'completed'],
      ['population', 'completed'],
      ['population', 'error'],
    ]);
    expect(served.steps[2]!.error).toMatchObject({ message: 'no figures for Atlantis' });
    expect(asked.steps[4]!.error).toMatchObject({ message: 'no figures for Atlantis' });
  } finally {
    await home.close();
  }
});
