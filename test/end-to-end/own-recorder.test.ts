import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatAnswer } from '../playback/loopback.ts';
import type { PlaybackServer } from '../playback/server.ts';
import { createPlaybackServer } from '../playback/server.ts';
import { tachograph } from './command.ts';

const source = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A program that records itself in every way it can, and that does not know who started it. */
const program = `
import { openRecorder } from ${source('index.ts')};
import { createFetchCapture, recordingFetch } from ${source('capture/fetch/index.ts')};
import { generateText } from ${JSON.stringify(import.meta.resolve('ai'))};
import { createOpenAI } from ${JSON.stringify(import.meta.resolve('@ai-sdk/openai'))};
import { tachographTelemetry } from ${source('capture/ai-sdk/index.ts')};
const baseURL = process.env.OPENAI_BASE_URL;
const recorder = openRecorder();
createFetchCapture({ recorder, hosts: [new URL(baseURL).host] }).install();
const init = { method: 'POST', headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'first' }] }) };
await recorder.run({ agentId: 'mine' }, async () => {
  await (await recordingFetch(recorder)(baseURL + '/chat/completions', init)).text();
  await generateText({ model: createOpenAI({ baseURL, apiKey: 'k' }).chat('m'), prompt: 'second',
    telemetry: { isEnabled: true, integrations: [tachographTelemetry(recorder)] } });
});
await recorder.close();
await (await fetch(baseURL + '/chat/completions', { ...init, body: init.body.replace('first', 'third') })).text();
`;

let folder: string;
let home: string;
let upstream: PlaybackServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-own-'));
  home = join(folder, 'home');
  upstream = await createPlaybackServer();
  writeFileSync(join(folder, 'program.mjs'), program);
});
afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(command: readonly string[]): Promise<{ status: number; err: string }> {
  const base = upstream.script(['one', 'two', 'three'].map((words) => ({ body: chatAnswer(words) })));
  const child = spawn(process.execPath, [...command, join(folder, 'program.mjs')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TACHOGRAPH_HOME: home, OPENAI_BASE_URL: `${base}/v1`, TACHOGRAPH_HOSTS: new URL(base).host },
  });
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, err };
}

/** Agents and counts of the home's runs, newest first. */
async function listRuns(): Promise<[string, object][]> {
  const { out } = await tachograph(home, 'ls', '--json');
  const { items } = JSON.parse(out) as { items: { agentId: string; counts: object }[] };
  return items.map(({ agentId, counts }) => [agentId, counts]);
}

describe('a program with a recorder of its own', () => {
  it('is recorded once under `tachograph run`, to its end, and counted in the closing line', async () => {
    const { status, err } = await run([mainFile, 'run', '--', process.execPath]);
    expect({ status, err }).toEqual({
      status: 0,
      err: expect.stringMatching(/tachograph: 2 runs, 3 steps, 3 attempts,/),
    });
    expect(await listRuns()).toMatchObject([
      ['http', { steps: 1, attempts: 1 }],
      ['mine', { steps: 2, attempts: 2 }],
    ]);
  });

  it('is recorded the same by itself', async () => {
    rmSync(home, { recursive: true, force: true });
    expect(await run([])).toEqual({ status: 0, err: '' });
    expect(await listRuns()).toContainEqual(['mine', expect.objectContaining({ steps: 2, attempts: 2 })]);
  });
});
