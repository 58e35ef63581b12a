import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import { createIdSource } from '../../src/core/id.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import type { Recorder } from '../../src/core/record/recording.ts';
import type { RunView } from '../../src/core/model/run.ts';
import type { Verdict } from '../../src/core/verify/verdict.ts';
import type { FileOperations } from '../../src/journal/index.ts';
import { createJournal, openHome, readOrCreateKey } from '../../src/journal/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { toldLosses } from '../chaos/told-losses.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { createFaultyFiles } from '../journal/faulty-files.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

function openOn(fs: FileOperations, backlogBytesMax: number): { recorder: Recorder; errors: unknown[] } {
  const home = openHome(place.home);
  const ids = createIdSource();
  const writerId = ids.hex(8);
  const errors: unknown[] = [];
  const journal = createJournal({
    home,
    projectId: 'default',
    writerId,
    fs,
    limits: { backlogBytesMax },
    onError: (error) => void errors.push(error),
  });
  const recorder = createRecorder({
    journal,
    ids,
    writerId,
    contentKey: readOrCreateKey(home, 'default.content', 32),
    onError: (error) => void errors.push(error),
  });
  return { recorder, errors };
}

async function look(runId: string): Promise<{ run: RunView; verdict: Verdict; told: number }> {
  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    const told = await toldLosses(home.store, runId);
    return { run: await home.store.getRun('default', runId), verdict: await home.verify(runId), told };
  } finally {
    await home.close();
  }
}

/** An agent of 60 steps, two of which its own code fails; what it returns must not depend on its recording. */
async function work(
  recorder: Recorder,
  onStep: (index: number) => void = () => undefined,
): Promise<{ runId: string; sum: number }> {
  let runId = '';
  const sum = await recorder.run({ agentId: 'worker' }, async (run) => {
    runId = run.id;
    let total = 0;
    for (let index = 0; index < 60; index += 1) {
      onStep(index);
      const step = run.step({ kind: 'tool', name: 'add', args: { index, words: 'word '.repeat(200) } });
      total += index;
      step.finish({ status: 'completed', result: total });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // By now the disk of the test has recovered or never will; whatever is left to write is given a moment.
    await recorder.flush({ timeoutMs: 3000 });
    return total;
  });
  return { runId, sum };
}

describe('a journal in trouble never harms its host, and the record tells of the gap (I1)', () => {
  it('when the disk is full for a while and the backlog with it', async () => {
    let isFull = false;
    const fs = createFaultyFiles(({ kind }) =>
      isFull && (kind === 'write' || kind === 'writeLater') ? 'ENOSPC' : null,
    );
    const { recorder, errors } = openOn(fs, 20_000);
    // By steps, not by time: on a busy machine both moments would come between two of them.
    const { runId, sum } = await work(recorder, (index) => (isFull = index >= 8 && index < 40));
    expect(sum).toBe(1770);
    await recorder.close();
    const { run, verdict, told } = await look(runId);
    expect(errors.length).toBeGreaterThan(0);
    expect(run).toMatchObject({ status: 'completed', durability: 'degraded' });
    expect(run.counts.gaps).toBeGreaterThan(0);
    expect(verdict.complete).toMatchObject({ verdict: 'incomplete' });
    // What the gap events tell is exactly what the numbers show to be missing.
    expect([verdict.complete.lost, told]).toEqual([run.counts.missing, run.counts.missing]);
  });

  it('when every write fails for good: the program runs as if nothing were recorded', async () => {
    const fs = createFaultyFiles(({ kind }) =>
      kind === 'write' || kind === 'writeLater' || kind === 'create' ? 'EIO' : null,
    );
    const { recorder, errors } = openOn(fs, 20_000);
    expect((await work(recorder)).sum).toBe(1770);
    expect(await recorder.flush({ timeoutMs: 50 })).toMatchObject({ state: 'timeout' });
    await recorder.close();
    expect(errors.length).toBeGreaterThan(0);
  });

  it('when a write hangs: the following ones go on in the background and the run says so', async () => {
    let slow = 3;
    const fs: FileOperations = createFaultyFiles(({ kind, count }) => {
      if (kind === 'write' && count > 5 && slow > 0) {
        slow -= 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80);
      }
      return null;
    });
    const { recorder } = openOn(fs, 64 * 1024 * 1024);
    const { runId, sum } = await work(recorder);
    expect(sum).toBe(1770);
    await recorder.close();
    const { run, verdict } = await look(runId);
    expect(run).toMatchObject({ status: 'completed', durability: 'degraded', counts: { gaps: 0, missing: 0 } });
    expect(verdict).toMatchObject({ intact: { verdict: 'intact' }, complete: { verdict: 'complete' } });
  });
});
