import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome } from './home.ts';

const killsMin = Number(process.env['TACHOGRAPH_KILLS'] ?? '25');
/** Runs of each recorder for each kill: it goes on recording while all of them happen. */
const runsOfKill = 40;
const stepsOfRun = 3;
/** So many show that the check can fail, in the long form too. */
const killsOfControl = 25;
const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let place: TemporaryHome;
const children = new Set<ChildProcess>();

beforeEach(() => {
  place = createTemporaryHome();
});

afterEach(async () => {
  for (const child of children) await kill(child);
  place.remove();
});

function start(file: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [fileOf(file), place.home, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Two programs record while an indexer is killed again and again; the runs that they acknowledged, and the kills. */
async function killWhileRecording(
  mode: 'proper' | 'early',
  least: number,
): Promise<{ runIds: string[]; kills: number }> {
  const runsOfRecorder = least * runsOfKill;
  let printed = '';
  const recorders = ['one', 'other'].map((name) => {
    const child = start('recorder-process.ts', name, String(runsOfRecorder));
    child.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    return child;
  });
  let recording = recorders.length;
  for (const child of recorders) child.once('close', () => (recording -= 1));
  let kills = 0;
  while (recording > 0 || kills < least) {
    const indexer = start('indexer-process.ts', mode);
    await once(indexer.stdout!, 'data');
    // Moments between the first byte of the first import and a few rounds later.
    await sleep(Math.random() * 150);
    await kill(indexer);
    kills += 1;
  }
  return { runIds: printed.trim().split('\n'), kills };
}

/** What of the acknowledged runs is not in the store whole and once. */
async function listFaults(home: OpenedHome, runIds: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const runId of runIds) {
    const run = await home.store.getRun('default', runId).catch(() => null);
    if (run === null) {
      faults.push(`${runId} is missing`);
      continue;
    }
    const steps = await home.store.listSteps('default', runId);
    const events = await home.store.listEvents('default', runId);
    const writers = await home.store.listWriters('default', runId);
    if (run.status !== 'completed' || run.swept) faults.push(`${runId} is ${run.status}`);
    if (steps.map(({ number }) => number).join() !== '1,2,3') faults.push(`${runId} has ${steps.length} steps`);
    if (events.some(({ seq, header }, index) => seq !== index + 1 || header.n !== seq)) faults.push(`${runId}: order`);
    if (writers.length !== 1 || writers[0]!.n !== events.length || writers[0]!.missing.length > 0)
      faults.push(`${runId} has holes`);
    if (run.counts.attempts !== 1 || run.counts.steps !== stepsOfRun) faults.push(`${runId}: counts`);
    if ((await home.verify(runId)).intact.verdict !== 'intact') faults.push(`${runId} is not intact`);
    if ((await home.store.rebuildRun('default', runId)).length > 0) faults.push(`${runId}: rebuild differs`);
  }
  return faults;
}

async function check(runIds: readonly string[]): Promise<{ faults: string[]; runs: number }> {
  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    expect(home.problems).toEqual([]);
    return { faults: await listFaults(home, runIds), runs: await home.store.countRuns('default', {}) };
  } finally {
    await home.close();
  }
}

describe('kill -9 of the indexer while two programs record', () => {
  it(
    `at ${killsMin} random moments or more: everything is there, once, numbered without a gap, and rebuilds (I2, I11)`,
    { timeout: Math.max(120_000, killsMin * 3000) },
    async () => {
      const { runIds, kills } = await killWhileRecording('proper', killsMin);
      expect(kills).toBeGreaterThanOrEqual(killsMin);
      expect(new Set(runIds).size).toBe(2 * killsMin * runsOfKill);
      expect(await check(runIds)).toEqual({ faults: [], runs: runIds.length });
    },
  );

  it('loses runs when the position is written before the rows: the check can fail', { timeout: 120_000 }, async () => {
    const { runIds } = await killWhileRecording('early', killsOfControl);
    expect((await check(runIds)).faults.length).toBeGreaterThan(0);
  });
});
