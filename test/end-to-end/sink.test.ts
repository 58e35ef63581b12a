import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { createInbox, readGeneration } from '../../src/journal/index.ts';
import type { Server } from '../../src/server/index.ts';
import { createHandler, createServer } from '../../src/server/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';

let place: TemporaryHome;
let opened: OpenedHome;
let server: Server;
beforeEach(async () => {
  place = createTemporaryHome();
  opened = await openTachograph({ home: place.home });
  const inbox = createInbox({ home: place.home, projectId: 'default' });
  const handler = createHandler({
    store: opened.store,
    verify: (_projectId, runId) => opened.verify(runId),
    inbox: (_projectId, batch) => ({ ...inbox.take(batch), generation: readGeneration(place.home) }),
  });
  server = await createServer({ handler, port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  await server.close({ timeoutMs: 0 });
  await opened.close();
  place.remove();
});

const journalModule = new URL('../../src/journal/index.ts', import.meta.url).href;

/**
 * An instance of a serverless function: it answers, and is stopped for good either when all that was handed to
 * `waitUntil` is settled, or right after the answer.
 */
async function answerAndStop(options: { isWaitedFor: boolean }): Promise<void> {
  const script = `
    const { openSinkRecorder } = await import(${JSON.stringify(journalModule)});
    const works = [];
    const recorder = openSinkRecorder({ url: ${JSON.stringify(server.url)}, waitUntil: (work) => works.push(work) });
    for (let call = 0; call < 10; call += 1) {
      await recorder.run({ agentId: 'function' }, async (run) => {
        run.step({ kind: 'model', messages: [{ role: 'user', content: 'call ' + call }] })
          .finish({ status: 'completed', response: [{ type: 'text', text: 'answer' }] });
      });
    }
    ${options.isWaitedFor ? 'await Promise.all(works);' : ''}
    console.log('answered');
    setInterval(() => undefined, 1000);
    ${options.isWaitedFor ? '' : 'while (true);'}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: child.stdout }), 'line');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a recorder without a disk', () => {
  it('loses nothing when its instance is stopped once waitUntil is settled', async () => {
    await answerAndStop({ isWaitedFor: true });
    await opened.indexer.catchUp();
    expect(await opened.store.countRuns('default', { status: ['completed'] })).toBe(10);
    const { items } = await opened.store.listRuns('default', {}, { limit: 10 });
    expect(new Set(items.map((run) => run.durability))).toEqual(new Set(['sink']));
    for (const run of items) {
      const verdict = await opened.verify(run.id);
      expect([verdict.intact.verdict, verdict.complete.verdict]).toEqual(['intact', 'complete']);
    }
  });

  it('loses some when its instance is stopped at once: the test above can fail', async () => {
    await answerAndStop({ isWaitedFor: false });
    await opened.indexer.catchUp();
    expect(await opened.store.countRuns('default', { status: ['completed'] })).toBeLessThan(10);
  });
});
