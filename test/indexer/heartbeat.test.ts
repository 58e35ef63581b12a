import { existsSync, statSync, utimesSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { Recorder } from '../../src/core/record/recording.ts';
import { encodeHeader } from '../../src/journal/frame.ts';
import {
  createInbox,
  currentIdentity,
  listJournals,
  openSinkRecorder,
  readGeneration,
} from '../../src/journal/index.ts';
import { createWorld } from '../../src/testing/world.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome } from './home.ts';
import { forgeJournal } from './journals.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const elsewhere = { identity: { host: 'another-host' } };

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

/** Lets a file look as if its writer had been silent for so long. */
function quiet(file: string, ms: number): void {
  const at = (Date.now() - ms) / 1000;
  utimesSync(file, at, at);
}

/** What a fresh opening of the home makes of a run. */
async function look(
  runId: string,
): Promise<{ status: string; endReason: string | null; swept: boolean; steps: string[] }> {
  const home = await openTachograph({ home: place.home });
  await home.indexer.catchUp();
  const { status, endReason, swept } = await home.store.getRun('default', runId);
  const steps = (await home.store.listSteps('default', runId)).map((step) => step.status);
  await home.close();
  return { status, endReason, swept, steps };
}

const running = { status: 'running', endReason: null, swept: false };
const interrupted = { status: 'failed', endReason: 'interrupted', swept: true };

describe('the stale sweep', () => {
  it('ends runs of a process that cannot be seen once its heartbeat is older than five minutes', async () => {
    const run = createWorld().run().step({ status: null });
    const { file } = forgeJournal(place.home, elsewhere).append(...run.take());
    quiet(file, 4 * minuteMs);
    expect(await look(run.id)).toMatchObject({ ...running, steps: ['in_progress'] });
    quiet(file, 6 * minuteMs);
    expect(await look(run.id)).toMatchObject({ ...interrupted, steps: ['interrupted'] });
  });

  it('is corrected by what a live writer records afterwards (I7)', async () => {
    const run = createWorld().run().step({ status: null });
    const journal = forgeJournal(place.home, elsewhere).append(...run.take());
    quiet(journal.file, 6 * minuteMs);
    expect(await look(run.id)).toMatchObject(interrupted);
    journal.append(...run.step({ output: ['still here'] }).take());
    expect(await look(run.id)).toMatchObject(running);
    journal.append(...run.end().take());
    expect(await look(run.id)).toMatchObject({ status: 'completed', endReason: 'ok', swept: false });
  });

  it('waits for a process that lives, and gives it up after 24 hours of silence', async () => {
    const run = createWorld().run();
    const { file } = forgeJournal(place.home).append(...run.take());
    quiet(file, 23 * hourMs);
    expect(await look(run.id)).toMatchObject(running);
    quiet(file, 25 * hourMs);
    expect(await look(run.id)).toMatchObject(interrupted);
    expect(existsSync(file)).toBe(true);
  });

  it('takes half a record for the end once nobody has finished it', async () => {
    const run = createWorld().run();
    const journal = forgeJournal(place.home, elsewhere).append(...run.take());
    journal.appendBytes(Buffer.from([0xf5, 0x54, 0x47, 0x4a, 9]));
    quiet(journal.file, 6 * minuteMs);
    expect(await look(run.id)).toMatchObject(interrupted);
  });

  it('leaves runs alone that another recorder still writes into', async () => {
    const run = createWorld().run();
    const stale = forgeJournal(place.home, elsewhere).append(...run.take());
    const other = run.writer('b'.repeat(16)).emit('log', { payload: { type: 'here too' } });
    forgeJournal(place.home, { ...elsewhere, writerId: other.writerId }).append(...other.take());
    quiet(stale.file, 6 * minuteMs);
    expect(await look(run.id)).toMatchObject(running);
  });

  it('removes the journal of an unseen process that is imported whole and silent for 24 hours', async () => {
    const run = createWorld().run().end();
    const { file } = forgeJournal(place.home, elsewhere).append(...run.take());
    quiet(file, 23 * hourMs);
    await look(run.id);
    expect(existsSync(file)).toBe(true);
    quiet(file, 25 * hourMs);
    await look(run.id);
    expect(existsSync(file)).toBe(false);
    expect(await look(run.id)).toMatchObject({ status: 'completed' });
  });
});

/** Resolves once the file was written to or touched after it had been made to look old. */
async function untilBeaten(file: string): Promise<void> {
  quiet(file, hourMs);
  while (Date.now() - statSync(file).mtimeMs > hourMs / 2) await sleep(5);
}

describe('the heartbeat', () => {
  it('touches the journal while a run is open, and not after', async () => {
    const recorder = place.recorder({ limits: { staleMs: 20 } });
    const run = recorder.startRun({ agentId: 'agent' });
    const { file, bytes } = listJournals(place.home)[0]!;
    await untilBeaten(file);
    expect(listJournals(place.home)[0]!.bytes).toBe(bytes);
    run.close({ endReason: 'ok' });
    await sleep(40);
    quiet(file, hourMs);
    await sleep(60);
    expect(Date.now() - statSync(file).mtimeMs).toBeGreaterThan(hourMs / 2);
    await recorder.close();
  });

  it('of a recorder without a disk travels to the server', async () => {
    const inbox = createInbox({ home: place.home, projectId: 'default' });
    const answers: number[] = [];
    const serve = async (_url: unknown, init?: RequestInit): Promise<Response> => {
      const { entries } = inbox.take(init!.body as Uint8Array);
      answers.push(entries);
      return Response.json({ entries, generation: readGeneration(place.home) });
    };
    const recorder: Recorder = openSinkRecorder({
      url: 'http://server.test',
      fetch: serve as typeof fetch,
      limits: { staleMs: 20 },
    });
    const run = recorder.startRun({ agentId: 'agent' });
    await recorder.flush();
    const { file } = listJournals(place.home)[0]!;
    await untilBeaten(file);
    expect(answers).toContain(0);
    run.close({ endReason: 'ok' });
    await recorder.close();
    await inbox.close();
    expect(await look(run.id)).toMatchObject({ status: 'completed' });
  });

  it('of a writer of whom nothing is here changes nothing', () => {
    const inbox = createInbox({ home: place.home, projectId: 'default' });
    const identity = currentIdentity('c'.repeat(16));
    expect(inbox.take(encodeHeader({ projectId: 'default', identity, createdAtMs: 1 }))).toEqual({
      entries: 0,
      facts: null,
    });
    expect(listJournals(place.home)).toEqual([]);
  });
});
