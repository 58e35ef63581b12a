import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import { recordSample } from '../sample/record.ts';
import { createCommandStage } from './command-stage.fixture.ts';

const root = join(import.meta.dirname, '../../..');
const sampleFile = join(root, 'src/cli/sample/agent.ts');
const exampleFile = join(root, 'examples/ai-sdk-agent/agent.mjs');

const { home, tachograph, findRun, writeProgram, remove } = createCommandStage();
let server: PlaybackServer;
let sampleUrl: string;

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
  remove();
});

describe('the sample agent', () => {
  test('runs as it ran, with its provider gone: a retry, parallel tools, a sub-agent, a mixture, a stream that is left, a refusal', async () => {
    const result = await tachograph(
      { SAMPLE_BASE_URL: sampleUrl },
      'replay',
      'last',
      '--',
      process.execPath,
      sampleFile,
    );
    expect(result.err).toContain('replayed 14 requests of 14, none asked live');
    expect(result.status).toBe(0);
    expect(result.out).toContain('support-desk: I am sorry the lamp arrived broken.');
    expect(result.out).toContain('shift-lead: Replace it today and file the claim');
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
      expect(result.err).toContain(await findRun('policy-reader'));
    } finally {
      rmSync(changed);
    }
  });

  test('a run file of a mixture’s caller says where its requests are', async () => {
    const file = join(home, 'shift.tgr');
    await tachograph({}, 'export', await findRun('shift-lead'), '--output', file);
    const result = await tachograph({}, 'replay', file, '--', process.execPath, sampleFile);
    expect(result.status).toBe(1);
    expect(result.err).toContain(`whose requests are in run ${await findRun('moa')}`);
  });

  test('a program that asks less than it did is told of', async () => {
    const program = writeProgram('nothing.mjs', 'process.exitCode = 0;');
    const result = await tachograph({}, 'replay', 'last', '--', process.execPath, program);
    expect(result.status).toBe(1);
    expect(result.err).toMatch(/ended before step 1 .*: 14 of 14 recorded requests were not made/);
  });
});

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

  test('a tool that answers otherwise fails at the step that is told of it', async () => {
    symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
    const changed = writeProgram('changed.mjs', readFileSync(exampleFile, 'utf8').replace('724_000', '731_000'));
    const result = await tachograph(env, 'replay', runId, '--', process.execPath, changed);
    expect(result.status).toBe(1);
    expect(result.err).toMatch(
      /diverged at step 4: the request POST .* differs\.\n {2}at messages\[4\]\.content\n {6}- \{"town":"Oslo","people":724000\}\n {6}\+ \{"town":"Oslo","people":731000\}/,
    );
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

  test('a client that speaks past fetch, undici and node:http is refused the network', async () => {
    const program = writeProgram(
      'other.mjs',
      `import { connect } from 'node:tls';
       connect({ host: 'api.openai.com', port: 443, servername: 'api.openai.com' })
         .on('error', (error) => { console.log(error.code); });`,
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
