import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';

let place: TemporaryHome;
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

const journalModule = new URL('../../src/journal/index.ts', import.meta.url).href;

/** Runs a program with a recorder on the home, in a process of its own. */
async function runProgram(body: string): Promise<void> {
  const script = `
    const { openRecorder } = await import(${JSON.stringify(journalModule)});
    const recorder = openRecorder({ home: ${JSON.stringify(place.home)} });
    ${body}
    await recorder.close();
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
}

describe('several processes', () => {
  it('that write 100 runs each make 200 runs, each complete', async () => {
    const body = (name: string): string => `
      for (let index = 0; index < 100; index += 1) {
        await recorder.run({ agentId: '${name}' }, async (run) => {
          run.step({ kind: 'model', messages: [{ role: 'user', content: 'question ' + index }] }).finish({ status: 'completed', response: [{ type: 'text', text: 'answer' }] });
          if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
        });
      }
    `;
    const home = await openTachograph({ home: place.home });
    try {
      home.indexer.start();
      await Promise.all([runProgram(body('first')), runProgram(body('second'))]);
      await home.indexer.catchUp();
      expect(await home.store.countRuns('default', {})).toBe(200);
      expect(await home.store.countRuns('default', { agentId: 'first', status: ['completed'] })).toBe(100);
      expect(await home.store.countRuns('default', { agentId: 'second', status: ['completed'] })).toBe(100);
    } finally {
      await home.close();
    }
  });

  it('that write into one run share its step numbers without a gap, in a chain each', async () => {
    const { id: runId } = place.recorder().startRun({ agentId: 'shared' });
    const body = `
      const run = recorder.startRun({ agentId: 'shared', runId: '${runId}', parent: null });
      for (let index = 0; index < 100; index += 1) {
        run.step({ kind: 'tool', name: 't' + index, args: { index } }).finish({ status: 'completed', result: index });
        if (index % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      run.close({ endReason: 'ok' });
    `;
    const home = await openTachograph({ home: place.home });
    try {
      home.indexer.start();
      await Promise.all([runProgram(body), runProgram(body)]);
      await home.indexer.catchUp();
      const steps = await home.store.listSteps('default', runId, { limit: 1000 });
      expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 200 }, (_unused, index) => index + 1));
      expect(await home.store.listWriters('default', runId)).toHaveLength(3);
      expect((await home.verify(runId)).intact.verdict).toBe('intact');
      expect(await home.store.rebuildRun('default', runId)).toEqual([]);
    } finally {
      await home.close();
    }
  });
});
