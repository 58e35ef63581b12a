import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunView } from '../../src/core/model/run.ts';
import type { StepView } from '../../src/core/model/step.ts';
import type { Verdict } from '../../src/core/verify/verdict.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { toldLosses } from './told-losses.ts';
import { startWorker, sumOf } from './worker-process.ts';

/** A short form in the suite, many rounds by `npm run chaos`. */
const rounds = Number(process.env['TACHOGRAPH_CHAOS_ROUNDS'] ?? '1');

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

async function look(
  home: string,
  runId: string,
): Promise<{ run: RunView; steps: readonly StepView[]; verdict: Verdict; told: number }> {
  const opened = await openTachograph({ home });
  try {
    await opened.indexer.catchUp();
    return {
      run: await opened.store.getRun('default', runId),
      steps: await opened.store.listSteps('default', runId, { limit: 1000 }),
      verdict: await opened.verify(runId),
      told: await toldLosses(opened.store, runId),
    };
  } finally {
    await opened.close();
  }
}

/** A small disk of its own; `null` where this process may not mount one. */
function mountDisk(kilobytes: number): { folder: string; remove(): void } | null {
  const folder = mkdtempSync(join(tmpdir(), 'tachograph-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder]);
  if (status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  return {
    folder,
    remove() {
      execFileSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const probe = mountDisk(64);
probe?.remove();

const times = Array.from({ length: rounds }, (_unused, index) => index + 1);

describe.skipIf(probe === null)('a real disk that is full (skipped where tmpfs cannot be mounted)', () => {
  /** Fills the disk when step 20 has ended, and frees it at step 120. */
  function fillBetween(folder: string): (step: number) => void {
    const filler = join(folder, 'filler');
    return (step) => {
      if (step === 20) {
        try {
          for (let count = 0; ; count += 1) writeFileSync(`${filler}-${count}`, Buffer.alloc(64 * 1024));
        } catch (error) {
          expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
        }
      }
      if (step === 120) execFileSync('bash', ['-c', `rm -f "${filler}"-*`]);
    };
  }

  it.each(times)('costs records at most, is counted, and is over when there is space (round %i)', async () => {
    const disk = mountDisk(2048)!;
    try {
      const { end } = startWorker({ home: disk.folder, steps: 200, onStep: fillBetween(disk.folder) });
      const { sum, code, runId, errors } = await end;
      expect([sum, code, errors]).toEqual([sumOf(200), 0, '']);
      execFileSync('bash', ['-c', `mkdir -p "${place.home}" && cp -a "${disk.folder}/." "${place.home}/"`]);
      const { run, verdict, told } = await look(place.home, runId);
      expect(run.status).toBe('completed');
      expect(run.durability).toBe('degraded');
      expect(verdict.intact.verdict).toMatch(/^(intact|missing)$/);
      // What the gap events tell is what the numbers show to be missing.
      expect([verdict.complete.lost, told]).toEqual([run.counts.missing, run.counts.missing]);
    } finally {
      disk.remove();
    }
  });

  it('ends a program that appends to a file without care: the fault is real', async () => {
    const disk = mountDisk(2048)!;
    try {
      const { end } = startWorker({
        home: disk.folder,
        steps: 200,
        isCareless: true,
        onStep: fillBetween(disk.folder),
      });
      const { sum, code, errors } = await end;
      expect([sum, code]).toEqual([null, 1]);
      expect(errors).toContain('ENOSPC');
    } finally {
      disk.remove();
    }
  });
});

describe('no file descriptors left', () => {
  it.each(times)('costs records at most, is counted, and is over when there are some (round %i)', async () => {
    const { end } = startWorker({ home: place.home, steps: 120, descriptors: [20, 80], openFilesMax: 60 });
    const { sum, code, runId, exhausted, errors } = await end;
    expect([exhausted, sum, code, errors]).toEqual(['EMFILE', sumOf(120), 0, '']);
    const { run, verdict, told } = await look(place.home, runId);
    expect(run.status).toBe('completed');
    expect(run.durability).toBe('degraded');
    expect([verdict.complete.lost, told]).toEqual([run.counts.missing, run.counts.missing]);
  });

  it('ends a program that appends to a file without care: the fault is real', async () => {
    const { end } = startWorker({
      home: place.home,
      steps: 120,
      descriptors: [20, 80],
      openFilesMax: 60,
      isCareless: true,
    });
    const { sum, errors } = await end;
    expect(sum).toBe(null);
    expect(errors).toContain('EMFILE');
  });
});

describe('a wall clock that steps by a day, back and forth', () => {
  const dayMs = 24 * 3600 * 1000;
  const clockSteps = { 10: dayMs, 20: -2 * dayMs, 30: dayMs };

  it.each(times)('gives no negative duration and no other order, and ends no run (round %i)', async () => {
    const { end } = startWorker({ home: place.home, steps: 40, clockSteps });
    const { sum, code, runId } = await end;
    expect([sum, code]).toEqual([sumOf(40), 0]);
    const { run, steps, verdict } = await look(place.home, runId);
    expect(run).toMatchObject({ status: 'completed', swept: false });
    expect(run.durationMs).toBeGreaterThan(0);
    expect(run.durationMs).toBeLessThan(60_000);
    expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_unused, index) => index + 1));
    for (const step of steps) expect(step.durationMs).toBeGreaterThanOrEqual(0);
    expect([verdict.intact.verdict, verdict.complete.verdict]).toEqual(['intact', 'complete']);
    // The clock did step: by the times of day alone a step would have taken minus two days.
    expect(
      Math.min(...steps.map((step, index) => step.startedAtMs - (steps[index - 1]?.startedAtMs ?? 0))),
    ).toBeLessThan(-dayMs);
  });
});

describe('a process that sleeps', () => {
  it.each(times)('for long is not given up while it exists, and goes on where it was (round %i)', async () => {
    let asleep = (): void => undefined;
    const isAsleep = new Promise<void>((resolve) => (asleep = resolve));
    const worker = startWorker({
      home: place.home,
      steps: 40,
      onStep: (step) => {
        if (step !== 10) return;
        worker.child.kill('SIGSTOP');
        asleep();
      },
    });
    await isAsleep;
    await new Promise((resolve) => setTimeout(resolve, 300));
    const opened = await openTachograph({ home: place.home });
    try {
      await opened.indexer.catchUp();
      const { items } = await opened.store.listRuns('default', {}, { limit: 1 });
      expect(items[0]).toMatchObject({ status: 'running', swept: false });
    } finally {
      await opened.close();
    }
    worker.child.kill('SIGCONT');
    const { sum, runId } = await worker.end;
    expect(sum).toBe(sumOf(40));
    const { run, verdict } = await look(place.home, runId);
    expect(run).toMatchObject({ status: 'completed', swept: false });
    expect(verdict.complete.verdict).toBe('complete');
  });

  it('and is killed in its sleep is given up: the check can fail', async () => {
    const worker = startWorker({
      home: place.home,
      steps: 40,
      onStep: (step) => {
        if (step === 10) worker.child.kill('SIGKILL');
      },
    });
    const { runId } = await worker.end;
    const { run } = await look(place.home, runId);
    expect(run).toMatchObject({ status: 'failed', endReason: 'interrupted', swept: true });
  });
});
