import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp } from '../../src/cli/life/backup.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { readGeneration } from '../../src/journal/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome, filesWith, listFiles } from '../indexer/home.ts';
import { tachograph } from './command.ts';

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const recorderFile = fileURLToPath(new URL('../indexer/recorder-process.ts', import.meta.url));

let place: TemporaryHome;
let other: TemporaryHome;
let children: ChildProcess[];
beforeEach(() => {
  place = createTemporaryHome();
  other = createTemporaryHome();
  children = [];
});
afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  place.remove();
  other.remove();
});

function start(...args: readonly string[]): { child: ChildProcess; out: () => string } {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let out = '';
  child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
  return { child, out: () => out };
}

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const lines = (text: string): string[] => text.split('\n').slice(0, -1);

async function record(word: string): Promise<string> {
  const recorder = place.recorder();
  const run = recorder.startRun({ agentId: 'agent', inputs: word });
  run.close({ endReason: 'ok' });
  await recorder.close();
  await tachograph(place.home, 'ls');
  return run.id;
}

describe('tachograph backup', () => {
  it('copies a home under load; the copy, put back, has all that was acknowledged and verifies', async () => {
    const server = start(mainFile, '--home', place.home, 'serve', '--port', '0', '--no-sample', '--json');
    await until(() => server.out().includes('url'));
    const recorders = ['one', 'two'].map((name) => start(recorderFile, place.home, name, '200000'));
    await until(() => recorders.every(({ out }) => lines(out()).length >= 100));
    const acknowledged = recorders.flatMap(({ out }) => lines(out()));
    const folder = join(other.home, 'backup');
    const { status, out, err } = await tachograph(place.home, 'backup', folder, '--keys', '--json');
    // They went on all the while.
    expect(recorders.every(({ child }) => child.exitCode === null)).toBe(true);
    for (const { child } of recorders) child.kill('SIGKILL');
    server.child.kill('SIGTERM');
    expect([status, err]).toEqual([0, '']);
    const manifest = JSON.parse(out) as { files: { name: string; bytes: number }[]; hasKeys: boolean };
    expect(manifest.hasKeys).toBe(true);
    for (const { name, bytes } of manifest.files) expect(statSync(join(folder, name)).size).toBe(bytes);
    const restored = join(other.home, 'restored');
    cpSync(folder, restored, { recursive: true });
    const home = await openTachograph({ home: restored });
    await home.indexer.catchUp(30_000);
    const verdicts = new Map<string, number>();
    for (const runId of acknowledged) {
      const { verdict } = (await home.verify(runId)).intact;
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    expect([...verdicts]).toEqual([['intact', acknowledged.length]]);
    expect(await home.checkSeals()).toBe(null);
    await home.close();
  }, 60_000);

  it('leaves secret keys out unless asked for, and files to their owner alone', async () => {
    await record('words');
    writeFileSync(join(place.home, 'settings.json'), '{"retentionDays": 7}');
    const folder = join(other.home, 'backup');
    const { out } = await tachograph(place.home, 'backup', folder);
    expect(out).toMatch(/keys folder/);
    const names = listFiles(folder).map((file) => file.slice(folder.length + 1));
    expect(names.filter((name) => name.endsWith('.key'))).toEqual([]);
    expect(names).toEqual(
      expect.arrayContaining(['backup.json', 'keys/default.head', 'settings.json', 'tachograph.db']),
    );
    for (const file of listFiles(folder)) expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
    // With the home's own keys beside it, it verifies.
    cpSync(join(place.home, 'keys'), join(folder, 'keys'), { recursive: true });
    expect((await tachograph(folder, 'verify', '--all')).status).toBe(0);
  }, 30_000);

  it('refuses a folder that holds something, the home itself, and a home without records', async () => {
    expect((await tachograph(place.home, 'backup', join(other.home, 'none'))).err).toMatch(/\[home-unusable\]/);
    await record('words');
    mkdirSync(join(other.home, 'full'));
    writeFileSync(join(other.home, 'full', 'file'), '');
    expect((await tachograph(place.home, 'backup', join(other.home, 'full'))).err).toMatch(
      /not empty.*\[bad-argument\]/,
    );
    expect((await tachograph(place.home, 'backup', join(place.home, 'inside'))).err).toMatch(/lies in the home/);
    expect(readFileSync(join(other.home, 'full', 'file'), 'utf8')).toBe('');
  }, 30_000);

  it('is made anew when an erasure that had begun before ends meanwhile', async () => {
    const runId = await record('nightingale');
    const home = await openTachograph({ home: place.home });
    await home.indexer.catchUp();
    const generation = readGeneration(place.home);
    const erasing = home.indexer.eraseRun('default', runId);
    while (readGeneration(place.home) === generation) await new Promise((resolve) => setTimeout(resolve, 1));
    const folder = join(other.home, 'backup');
    await backUp({
      home: place.home,
      folder,
      withKeys: false,
      nowMs: 1,
      onProgress: async (what) => void (what === 'copying the store' && (await erasing)),
    });
    await home.close();
    expect(filesWith(folder, 'nightingale')).toEqual([]);
  });

  it('is made anew when words are erased meanwhile, so that none of them is in it', async () => {
    const runId = await record('nightingale');
    const home = await openTachograph({ home: place.home });
    await home.indexer.catchUp();
    const folder = join(other.home, 'backup');
    let isErased = false;
    const seen: string[] = [];
    await backUp({
      home: place.home,
      folder,
      withKeys: false,
      nowMs: 1,
      async onProgress(what) {
        seen.push(what);
        if (what !== 'copying the store' || isErased) return;
        isErased = true;
        await home.indexer.eraseRun('default', runId);
      },
    });
    await home.close();
    expect(seen.filter((what) => what === 'copying journals').length).toBe(2);
    expect(existsSync(join(folder, 'backup.json'))).toBe(true);
    expect(filesWith(folder, 'nightingale')).toEqual([]);
  });
});
