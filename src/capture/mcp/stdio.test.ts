import process from 'node:process';
import { Client } from '@modelcontextprotocol/client';
import type { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TemporaryHome } from '../../../test/indexer/home.ts';
import { createTemporaryHome } from '../../../test/indexer/home.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { openTachograph } from '../../cli/open.ts';
import { recordTransport } from './index.ts';
import { generations, newGeneration } from './peers.fixture.ts';

let place: TemporaryHome;
beforeEach(() => void (place = createTemporaryHome()));
afterEach(() => place.remove());

/** The runs that a server process has recorded, with their steps. */
async function readHome(): Promise<{ agentId: string; status: string; tools: unknown[] }[]> {
  const home = await openTachograph({ home: place.home });
  try {
    await home.indexer.catchUp();
    const { items } = await home.store.listRuns('default', {}, { limit: 50 });
    return await Promise.all(
      items.map(async ({ id, agentId, status }) => {
        const steps = await home.store.listSteps('default', id);
        const tools = steps.filter(({ kind }) => kind === 'tool').map((step) => [step.name, step.status]);
        return { agentId, status, tools };
      }),
    );
  } finally {
    await home.close();
  }
}

describe.each(generations)('stdio of $name', (generation) => {
  test('a child process and its client, recorded on both sides', async () => {
    const near = createRecording();
    const { recorder } = near;
    const peer = generation.client();
    const transport = recordTransport(generation.stdio(place.home), recorder);
    await peer.connect(transport);
    expect(transport.pid).toBeGreaterThan(0);
    await recorder.run({ agentId: 'agent' }, async () => {
      await peer.call('add', { a: 1, b: 2 });
      await peer.call('broken');
    });
    await peer.close();
    const { steps } = near.runs().find(({ run }) => run.agentId === 'agent')!;
    expect(steps.map(({ name, status }) => [name, status])).toEqual([
      ['add', 'completed'],
      ['broken', 'error'],
    ]);
    const tools = [
      ['add', 'completed'],
      ['broken', 'error'],
    ];
    const served = await readHome();
    expect(served.filter((run) => run.tools.length > 0)).toEqual([
      { agentId: 'calculator', status: 'completed', tools },
    ]);
  });

  test('a server that is killed while it works', async () => {
    const near = createRecording();
    const peer = generation.client();
    const transport = recordTransport(generation.stdio(place.home), near.recorder);
    await peer.connect(transport);
    let isBegun: (told: unknown) => void = () => undefined;
    const begun = new Promise((resolve) => void (isBegun = resolve));
    const call = peer.call('slow', {}, { onprogress: isBegun });
    const told = call.catch((error: unknown) => error);
    await begun;
    process.kill(transport.pid!, 'SIGKILL');
    expect(await told).toMatchObject({ message: expect.stringContaining('closed') });
    const slow = near.runs().flatMap(({ steps }) => steps.filter(({ name }) => name === 'slow'));
    expect(slow.map(({ status }) => status)).toEqual(['interrupted']);
    await peer.close();
    // The server's own record has the begun call, which nobody was left to end.
    const served = await readHome();
    expect(served.flatMap(({ tools }) => tools)).toEqual([['slow', 'interrupted']]);
  });
});

test('an era found out on a second process: the first is not recorded, the calls are', async () => {
  const near = createRecording();
  const client = new Client({ name: 'asker', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const transport = newGeneration.stdio(place.home) as StdioClientTransport;
  await client.connect(recordTransport(transport, near.recorder, { agentId: 'mine' }));
  expect(client.getProtocolEra()).toBe('modern');
  await client.callTool({ name: 'add', arguments: { a: 1, b: 2 } });
  await client.close();
  const { run, steps } = near.run();
  expect([run.agentId, steps.map(({ name }) => name)]).toEqual(['mine', ['add']]);
});
