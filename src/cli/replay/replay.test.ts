import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandResult } from '../../../test/end-to-end/command.ts';
import type { PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import { recordSample } from '../sample/record.ts';

const root = join(import.meta.dirname, '../../..');
const mainFile = join(root, 'src/cli/main.ts');
const sampleFile = join(root, 'src/cli/sample/agent.ts');
const exampleFile = join(root, 'examples/ai-sdk-agent/agent.mjs');

const home = mkdtempSync(join(tmpdir(), 'tachograph-replay-'));
let server: PlaybackServer;
let sampleUrl: string;

async function tachograph(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [mainFile, '--home', home, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

/** The newest run of an agent, by its id. */
async function findRun(agent: string): Promise<string> {
  const { out } = await tachograph({}, 'ls', '--json', '--agent', agent);
  return (JSON.parse(out) as { items: { id: string }[] }).items[0]!.id;
}

async function sampleBaseUrl(): Promise<string> {
  const { out } = await tachograph({}, 'show', await findRun('support-desk'), '--step', '1', '--json');
  const { attempts } = JSON.parse(out) as { attempts: { attempt: { url: string } }[] };
  return attempts[0]!.attempt.url.replace('/chat/completions', '');
}

beforeAll(async () => {
  server = await createPlaybackServer();
  expect(await recordSample({ home, projectId: 'default' })).toBe(true);
  sampleUrl = await sampleBaseUrl();
}, 60_000);
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

/** A program of a few lines, in a file. */
function writeProgram(name: string, text: string): string {
  const file = join(home, name);
  writeFileSync(file, text);
  return file;
}

describe('the sample agent', () => {
  test('runs as it ran, with its provider gone: a retry, parallel tools, a sub-agent, a stream that is left, a refusal', async () => {
    const result = await tachograph(
      { SAMPLE_BASE_URL: sampleUrl },
      'replay',
      'last',
      '--',
      process.execPath,
      sampleFile,
    );
    expect(result.err).toContain('replayed 8 requests of 8, none asked live');
    expect(result.status).toBe(0);
    expect(result.out).toContain('support-desk: I am sorry the lamp arrived broken.');
    expect(result.out).toContain('letter-writer: left after 12 words');
    expect(result.out).toContain("ticket-filer: This model's maximum context length is 8192 tokens.");
  });

  test('a changed prompt fails at its step, with both words shown', async () => {
    const changed = join(root, 'src/cli/sample', `changed-${process.pid}.ts`);
    writeFileSync(changed, readFileSync(sampleFile, 'utf8').replace('Answer from the policy alone.', 'Guess.'));
    try {
      const result = await tachograph(
        { SAMPLE_BASE_URL: sampleUrl },
        'replay',
        'last',
        '--',
        process.execPath,
        changed,
      );
      expect(result.status).toBe(1);
      expect(result.err).toMatch(/diverged at step 1: the request POST \/v1\/chat\/completions differs/);
      expect(result.err).toMatch(
        /at messages\[0\]\.content\n.*- You are the policy-reader\. Answer.*\n.*\+ You are the policy-reader\. Guess\./,
      );
      expect(result.err).toContain('[replay-diverged]');
      expect(result.err).toContain(await findRunOfAgent('policy-reader'));
    } finally {
      rmSync(changed);
    }
  });

  test('a program that asks less than it did is told of', async () => {
    const program = writeProgram('nothing.mjs', 'process.exitCode = 0;');
    const result = await tachograph({}, 'replay', 'last', '--', process.execPath, program);
    expect(result.status).toBe(1);
    expect(result.err).toMatch(/ended before step 1 .*: 8 of 8 recorded requests were not made/);
  });
});

async function findRunOfAgent(agent: string): Promise<string> {
  const { out } = await tachograph({}, 'ls', '--json', '--nested', '--agent', agent);
  return (JSON.parse(out) as { items: { id: string }[] }).items[0]!.id;
}

describe('the example agent', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const completion = (message: object, finish_reason: string) => ({
    body: {
      id: 'c',
      object: 'chat.completion',
      created: 0,
      model: 'gpt-5-mini',
      choices: [{ index: 0, message, finish_reason }],
      usage,
    },
  });
  const call = (id: string, name: string, input: object) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  });
  let runId: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    const script = [
      completion(
        {
          role: 'assistant',
          content: null,
          tool_calls: [call('a', 'population', { town: 'Bern' }), call('b', 'population', { town: 'Oslo' })],
        },
        'tool_calls',
      ),
      completion(
        { role: 'assistant', content: null, tool_calls: [call('c', 'subtract', { a: 724_000, b: 137_000 })] },
        'tool_calls',
      ),
      completion({ role: 'assistant', content: 'Oslo is larger by 587,000 people.' }, 'stop'),
    ];
    env = { OPENAI_BASE_URL: server.script(script), OPENAI_API_KEY: 'k' };
    const recorded = await tachograph(env, 'run', '--hosts', '127.0.0.1:*', '--', process.execPath, exampleFile);
    expect(recorded.status).toBe(0);
    runId = await findRun('town-agent');
  }, 30_000);

  test('replays on a machine where the provider is elsewhere and no one answers there', async () => {
    const elsewhere = { OPENAI_BASE_URL: 'https://api.openai.com/v1', OPENAI_API_KEY: 'another' };
    const path = new URL(env['OPENAI_BASE_URL']!).pathname;
    const same = { ...elsewhere, OPENAI_BASE_URL: `https://api.openai.com${path}` };
    const result = await tachograph(same, 'replay', runId, '--', process.execPath, exampleFile);
    expect(result.out.trim()).toBe('Oslo is larger by 587,000 people.');
    expect(result.err).toContain('replayed 3 requests of 3, none asked live');
    expect(result.status).toBe(0);
  });

  test('another question fails at once, as JSON for programs', async () => {
    const result = await tachograph(
      env,
      'replay',
      runId,
      '--json',
      '--',
      process.execPath,
      exampleFile,
      'Which is older?',
    );
    expect(result.status).toBe(1);
    const told = JSON.parse(result.err.trim().split('\n').at(-1)!) as { error: { code: string; message: string } };
    expect(told).toMatchObject({ answered: 0, recorded: 3, live: 0, error: { code: 'replay-diverged' } });
    expect(told.error.message).toMatch(/messages\[1\]\.content[^]*Which is older\?/);
  });

  test('goes live after a step', async () => {
    const live = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(completion({ role: 'assistant', content: 'Live from here.' }, 'stop').body));
    });
    await new Promise<void>((resolve) => live.listen(0, '127.0.0.1', resolve));
    const { port } = live.address() as AddressInfo;
    const path = new URL(env['OPENAI_BASE_URL']!).pathname;
    const there = { ...env, OPENAI_BASE_URL: `http://127.0.0.1:${port}${path}` };
    const args = ['replay', runId, '--from-step', '3', '--hosts', '127.0.0.1:*', '--', process.execPath, exampleFile];
    const result = await tachograph(there, ...args);
    live.close();
    live.closeAllConnections();
    expect(result.out.trim()).toBe('Live from here.');
    expect(result.err).toContain('replayed 1 request of 1, 1 asked live');
    expect(result.status).toBe(0);
  });

  test('the new run is recorded when asked for, and is the same', async () => {
    const before = await findRun('town-agent');
    const result = await tachograph(env, 'replay', runId, '--record', '--', process.execPath, exampleFile);
    expect(result.status).toBe(0);
    const after = await findRun('town-agent');
    expect(after).not.toBe(before);
    const difference = await tachograph({}, 'diff', runId, after);
    expect(difference.out).toContain('The two runs are the same in all 6 steps.');
  });

  test('a stream longer than the recorder keeps is made anew', async () => {
    const head = { id: 'c9', object: 'chat.completion.chunk', created: 1, model: 'm' };
    const events = Array.from({ length: 600 }, (_, at) => ({
      ...head,
      choices: [{ index: 0, delta: { content: `word${at} ` }, finish_reason: at === 599 ? 'stop' : null }],
    }));
    const provider = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`);
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const { port } = provider.address() as AddressInfo;
    const modules = join(root, 'node_modules');
    const program = writeProgram(
      'long.mjs',
      `import { createOpenAI } from ${JSON.stringify(join(modules, '@ai-sdk/openai/dist/index.js'))};
       import { streamText } from ${JSON.stringify(join(modules, 'ai/dist/index.js'))};
       const model = createOpenAI({ baseURL: 'http://127.0.0.1:${port}/v1', apiKey: 'k' }).chat('m');
       const text = await streamText({ model, prompt: 'Go', telemetry: { functionId: 'long' } }).text;
       console.log(text.length, text.slice(-8));`,
    );
    const recorded = await tachograph({}, 'run', '--hosts', '127.0.0.1:*', '--', process.execPath, program);
    provider.close();
    provider.closeAllConnections();
    expect(recorded.out.trim()).toBe('4690 word599');
    const result = await tachograph({}, 'replay', await findRun('long'), '--', process.execPath, program);
    expect(result.out).toBe(recorded.out);
    expect(result.err).toContain('1 longer than the recorder’s limit made anew from its step');
    expect(result.status).toBe(0);
  });

  test('a run file is a fixture', async () => {
    const file = join(home, 'town.tgr');
    expect((await tachograph({}, 'export', runId, '--output', file)).status).toBe(0);
    const result = await tachograph(env, 'replay', file, '--', process.execPath, exampleFile);
    expect(result.err).toContain('replayed 3 requests of 3');
  });

  test('another client than fetch and undici is refused the network', async () => {
    const program = writeProgram(
      'other.mjs',
      `import { request } from 'node:https';
       request('https://api.openai.com/v1/chat/completions', { method: 'POST' })
         .on('error', (error) => { console.log(error.code); })
         .end('{}');`,
    );
    const result = await tachograph({}, 'replay', runId, '--', process.execPath, program);
    expect(result.out.trim()).toBe('replay-not-recorded');
    expect(result.status).toBe(1);
  });

  test('diff of the run with itself is the same; with another it is not', async () => {
    const same = await tachograph({}, 'diff', runId, runId);
    expect(same.out).toContain('The two runs are the same in all 6 steps.');
    expect(same.status).toBe(0);
    const other = await tachograph({}, 'diff', runId, await findRun('support-desk'), '--json');
    expect(other.status).toBe(1);
    const told = JSON.parse(other.out) as { isSame: boolean; firstAt: number; first: { messages: { shared: number } } };
    expect(told).toMatchObject({ isSame: false, firstAt: 0, first: { messages: { shared: 0 } } });
  });
});
