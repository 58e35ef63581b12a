import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { Recorder } from '../../src/core/record/recording.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome, filesWith } from './home.ts';
import type { VictimPlace } from './seal-victim.ts';

const victimFile = fileURLToPath(new URL('seal-victim.ts', import.meta.url));

let place: TemporaryHome;
let recorder: Recorder;
let home: OpenedHome | null = null;
beforeEach(() => {
  place = createTemporaryHome();
  recorder = place.recorder();
});
afterEach(async () => {
  await home?.close();
  home = null;
  await recorder.close();
  place.remove();
});

function record(word: string): string {
  const run = recorder.startRun({ agentId: 'agent', inputs: { word } });
  run.step({ kind: 'model', model: 'm', messages: [{ role: 'user', content: word }] }).finish({ status: 'completed' });
  run.close({ endReason: 'ok', output: word });
  return run.id;
}

/** Lets an indexer work until it reaches the place, and kills it there with -9. */
async function killAt(where: VictimPlace, erasedRun = ''): Promise<void> {
  const child = spawn(process.execPath, [victimFile, place.home, where, erasedRun], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'exit');
  const [said] = (await Promise.race([once(child.stdout, 'data'), gone])) as [Buffer | number | null];
  expect(String(said)).toBe('here');
  child.kill('SIGKILL');
  await gone;
}

async function open(): Promise<OpenedHome> {
  home = await openTachograph({ home: place.home });
  await home.indexer.catchUp();
  return home;
}

describe('an indexer killed with -9', () => {
  it.each(['before-seal', 'before-sync', 'before-head'] as const)(
    '%s leaves no run unsealed and no false alarm',
    async (where) => {
      const ids = ['one', 'two', 'three'].map(record);
      await killAt(where);
      await killAt(where).catch(() => undefined);
      const late = record('four');
      const { store, verify, checkSeals } = await open();
      for (const runId of [...ids, late]) {
        expect((await verify(runId)).intact).toMatchObject({ verdict: 'intact', erased: 0 });
        expect(await store.listSeals('default', runId)).toHaveLength(1);
      }
      expect(await store.listSealDue(10)).toEqual([]);
      expect(await checkSeals()).toBeNull();
    },
  );

  it.each(['before-erasing', 'before-journals', 'before-tombstone'] as const)(
    'in an erasure, %s: the record verifies, and erasing again finishes it',
    async (where) => {
      const [gone, kept] = [record('quicksilver'), record('nightingale')];
      await killAt(where, gone);
      const { indexer, store, verify, checkSeals } = await open();
      for (const runId of [gone, kept]) expect((await verify(runId)).intact.verdict).toBe('intact');
      await indexer.eraseRun('default', gone);
      expect(filesWith(place.home, 'quicksilver')).toEqual([]);
      for (const runId of [gone, kept]) expect((await verify(runId)).intact.verdict).toBe('intact');
      expect((await verify(gone)).intact.erased).toBeGreaterThan(0);
      expect(await store.listSealDue(10)).toEqual([]);
      expect(await checkSeals()).toBeNull();
    },
  );
});
