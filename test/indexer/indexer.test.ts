import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { Recorder } from '../../src/core/record/recording.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome, filesWith } from './home.ts';

let place: TemporaryHome;
const opened: OpenedHome[] = [];

async function open(): Promise<OpenedHome> {
  const home = await openTachograph({ home: place.home });
  opened.push(home);
  return home;
}

beforeEach(() => {
  place = createTemporaryHome();
});

afterEach(async () => {
  for (const home of opened.splice(0)) await home.close();
  place.remove();
});

function recordRun(recorder: Recorder, words: string): string {
  const run = recorder.startRun({
    agentId: 'agent',
    name: `name ${words}`,
    callerId: `caller ${words}`,
    labels: { about: words },
    inputs: { words },
  });
  const messages = [
    { role: 'system', content: 'You help.' },
    { role: 'user', content: `please ${words}` },
  ];
  const step = run.step({ kind: 'model', operation: 'generate', model: 'm', messages });
  const body = { data: JSON.stringify({ messages }), contentType: 'application/json' };
  step.attempt({ method: 'POST', url: 'https://api.example.com/v1/chat', body }).finish({
    status: 'completed',
    responseStatus: 200,
    body: { data: `{"said":"${words}"}`, contentType: 'application/json' },
  });
  step.finish({ status: 'completed', response: [{ type: 'text', text: `about ${words}` }] });
  run.tool({ name: 'look', args: { words } }).succeed({ found: words });
  run.log('note', { words });
  run.error(new Error(words));
  run.close({ endReason: 'ok', output: `done ${words}` });
  return run.id;
}

describe('indexer', () => {
  it('moves journals into the store while they grow, seals ended runs and acknowledges to the writer', async () => {
    const home = await open();
    home.indexer.start();
    const recorder = place.recorder();
    const runId = recordRun(recorder, 'hummingbird');
    expect(await recorder.flush({ to: 'index', timeoutMs: 5000 })).toMatchObject({ state: 'index', lost: 0 });
    await home.indexer.catchUp();
    expect(await home.store.getRun('default', runId)).toMatchObject({
      status: 'completed',
      counts: { steps: 2, attempts: 1 },
    });
    expect(await home.verify(runId)).toMatchObject({
      intact: { verdict: 'intact' },
      complete: { verdict: 'complete' },
    });
    expect(await home.store.rebuildRun('default', runId)).toEqual([]);
    await recorder.close();
  });

  it('lets two indexers of one home share the work without anything twice', async () => {
    const [first, second] = [await open(), await open()];
    first.indexer.start();
    second.indexer.start();
    const recorder = place.recorder();
    const runIds = Array.from({ length: 20 }, (_unused, index) => recordRun(recorder, `word${index}`));
    await Promise.all([first.indexer.catchUp(), second.indexer.catchUp()]);
    expect(await second.store.countRuns('default', {})).toBe(20);
    for (const runId of runIds) expect((await second.verify(runId)).intact.verdict).toBe('intact');
    await recorder.close();
  });

  it('ends what a dead process left open, and removes its journal once all of it is in the store', async () => {
    const script = `
      const { openRecorder } = await import(${JSON.stringify(new URL('../../src/journal/index.ts', import.meta.url).href)});
      const recorder = openRecorder({ home: ${JSON.stringify(place.home)} });
      const run = recorder.startRun({ agentId: 'doomed' });
      run.step({ kind: 'model', model: 'm' }).attempt({ method: 'POST', url: 'https://x.example/y' });
      process.stdout.write(run.id);
      setInterval(() => undefined, 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    const runId = chunk.toString();
    const home = await open();
    await home.indexer.catchUp();
    expect(await home.store.getRun('default', runId)).toMatchObject({ status: 'running' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await home.indexer.catchUp();
    expect(await home.store.getRun('default', runId)).toMatchObject({
      status: 'failed',
      endReason: 'interrupted',
      swept: true,
      counts: { interrupted: 1, openSteps: 0 },
    });
    expect(await home.verify(runId)).toMatchObject({
      intact: { verdict: 'intact' },
      complete: { verdict: 'incomplete' },
    });
    expect(await home.store.rebuildRun('default', runId)).toEqual([]);
    expect(readdirSync(join(place.home, 'journal', 'default')).filter((name) => name.endsWith('.tgj'))).toEqual([]);
  });

  it('does not end what a live process has open', async () => {
    const home = await open();
    const recorder = place.recorder();
    const run = recorder.startRun({ agentId: 'alive' });
    await home.indexer.catchUp();
    await home.indexer.catchUp();
    expect(await home.store.getRun('default', run.id)).toMatchObject({ status: 'running', swept: false });
    await recorder.close();
  });

  it('erases a run everywhere, keeps what others share, and the record still verifies', async () => {
    const home = await open();
    const recorder = place.recorder();
    const erasedId = recordRun(recorder, 'quicksilver');
    const keptId = recordRun(recorder, 'nightingale');
    await home.indexer.catchUp();
    expect(filesWith(place.home, 'quicksilver')).not.toEqual([]);
    const result = await home.indexer.eraseRun('default', erasedId);
    expect(result).toMatchObject({ runs: 1, shared: expect.any(Number) as number });
    expect(result.shared).toBeGreaterThan(0);
    expect(filesWith(place.home, 'quicksilver')).toEqual([]);
    expect((await home.verify(erasedId)).intact).toMatchObject({ verdict: 'intact' });
    expect((await home.verify(erasedId)).intact.erased).toBeGreaterThan(0);
    expect((await home.verify(keptId)).intact).toMatchObject({ verdict: 'intact', erased: 0 });
    expect(await home.store.rebuildRun('default', erasedId)).toEqual([]);
    expect(await home.store.search('default', 'quicksilver')).toEqual([]);
    expect(await home.store.search('default', 'nightingale')).not.toEqual([]);
    const nextId = recordRun(recorder, 'quicksilver');
    await home.indexer.catchUp();
    expect((await home.verify(nextId)).intact.verdict).toBe('intact');
    expect(await home.store.search('default', 'quicksilver')).not.toEqual([]);
    await recorder.close();
  });

  it('puts a journal that is none aside with its cause, and goes on', async () => {
    const home = await open();
    const recorder = place.recorder();
    const runId = recordRun(recorder, 'word');
    writeFileSync(
      join(place.home, 'journal', 'default', '20200101T000000000Z-1-0000000000000000.tgj'),
      'this is no journal at all, not even a little',
    );
    await home.indexer.catchUp();
    expect(await home.store.getRun('default', runId)).toMatchObject({ status: 'completed' });
    expect(home.problems).toHaveLength(1);
    expect(filesWith(join(place.home, 'quarantine'), 'no journal at all')).toHaveLength(1);
    await recorder.close();
  });
});
