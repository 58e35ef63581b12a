import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../test/playback/loopback.ts';
import type { PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import type { TachographError } from '../../core/error.ts';
import { createCommandStage } from './command-stage.fixture.ts';
import { targetHeader } from './redirect.ts';
import { startReplayServer } from './replay-server.ts';

const { tachograph, findRun, writeProgram, remove } = createCommandStage();
let server: PlaybackServer;

beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(async () => {
  await server.close();
  remove();
});

describe('clients of node:http and node:https', () => {
  const { client, ways } = {
    // What axios, node-fetch and the like do underneath: options or addresses, by `require` or by `import`.
    client: `
      import { createRequire } from 'node:module';
      import https, { request as requestByName } from 'node:https';
      import * as http from 'node:http';
      const required = createRequire(import.meta.url)(process.env.BASE.startsWith('https') ? 'node:https' : 'http');
      const base = new URL(process.env.BASE);
      const by = base.protocol === 'https:' ? https : http;
      const named = base.protocol === 'https:' ? requestByName : http.request;
      const body = (q) => JSON.stringify({ model: 'm', messages: [{ role: 'user', content: q }] });
      const read = (send) => new Promise((resolve, reject) => {
        const sent = send(async (response) => {
          let text = '';
          for await (const piece of response) text += piece;
          resolve([response.statusCode, JSON.parse(text).choices?.[0].message.content ?? text]);
        });
        sent.on('error', reject);
      });
      const end = (sent, text) => { sent.end(text); return sent; };
      const head = { 'content-type': 'application/json' };
      const path = base.pathname + '/chat/completions';
      const port = base.port === '' ? {} : { port: base.port };`,
    ways: `
      const url = process.env.BASE + '/chat/completions';
      const ways = [
        (q) => read((take) => end(by.request(url, { method: 'POST', headers: head }, take), body(q))),
        (q) => read((take) => end(named(new URL(url), { method: 'POST', headers: head }, take), body(q))),
        (q) => read((take) => end(required.request({ hostname: base.hostname, ...port, path, method: 'POST', headers:
          ['Content-Type', 'application/json', 'Host', base.host, 'Content-Length', String(body(q).length)] }, take), body(q))),
        (q) => read((take) => {
          const sent = required.request({ host: base.hostname, ...port, path, method: 'POST', headers: head,
            agent: new required.Agent({ keepAlive: false }), auth: 'user:word' }, take);
          const text = body(q);
          sent.write(text.slice(0, 9));
          return end(sent, text.slice(9));
        }),
      ];
      for (const [at, way] of ways.entries()) console.log(...await way(process.env.ASK ?? 'q' + at));`,
  };
  let program: string;
  let runId: string;
  let base: string;

  beforeAll(async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const says = (content: string) => ({
      body: {
        ...{ id: 'c', object: 'chat.completion', created: 0, model: 'm', usage },
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      },
    });
    base = server.script(['one', 'two', 'three', 'four'].map(says));
    program = writeProgram('by-http.mjs', client + ways);
    const recorded = await tachograph({ BASE: base }, 'run', '--hosts', '127.0.0.1:*', '--', process.execPath, program);
    expect(recorded.out).toBe('200 one\n200 two\n200 three\n200 four\n');
    runId = await findRun();
  }, 30_000);

  test('are answered from the recording, also where they would speak TLS', async () => {
    for (const BASE of [base, `https://api.openai.com${new URL(base).pathname}`]) {
      const result = await tachograph({ BASE }, 'replay', runId, '--', process.execPath, program);
      expect(result.out).toBe('200 one\n200 two\n200 three\n200 four\n');
      expect(result.err).toContain('replayed 4 requests of 4, none asked live');
      expect(result.status).toBe(0);
    }
  });

  test('are told where they differ', async () => {
    const result = await tachograph({ BASE: base, ASK: 'other' }, 'replay', runId, '--', process.execPath, program);
    expect(result.status).toBe(1);
    expect(result.err).toMatch(/at messages\[0\]\.content\n {6}- q0\n {6}\+ other/);
  });

  test('are recorded again when asked for, in a form that replays', async () => {
    const again = await tachograph({ BASE: base }, 'replay', runId, '--record', '--', process.execPath, program);
    expect(again.status).toBe(0);
    const newest = await findRun();
    expect(newest).not.toBe(runId);
    const result = await tachograph({ BASE: base }, 'replay', newest, '--', process.execPath, program);
    expect(result.err).toContain('replayed 4 requests of 4, none asked live');
  });
});

describe('a request that its sender left before there was an answer', () => {
  const leaving = (body: string): string => `
    const [url, ms] = [process.env.BASE + '/chat/completions', Number(process.env.LEAVE_MS)];
    const left = fetch(url, { method: 'POST', body: ${JSON.stringify(body)}, signal: AbortSignal.timeout(ms) });
    console.log(await left.then(({ status }) => status, ({ name }) => name));`;

  test('is left again', async () => {
    const silent = createServer((request) => void request.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const env = { BASE: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`, LEAVE_MS: '300' };
    const program = writeProgram('leaving.mjs', leaving('{"model":"m","messages":[{"role":"user","content":"Hi"}]}'));
    const recorded = await tachograph(env, 'run', '--hosts', '127.0.0.1:*', '--', process.execPath, program);
    silent.close();
    silent.closeAllConnections();
    expect(recorded.out).toBe('TimeoutError\n');
    const result = await tachograph(env, 'replay', 'last', '--', process.execPath, program);
    expect(result.out).toBe('TimeoutError\n');
    expect(result.err).toContain('replayed 1 request of 1, none asked live');
    expect(result.status).toBe(0);
  });

  test('is told of when it is waited for', async () => {
    const failures: TachographError[] = [];
    const replay = {
      ...{ hosts: [], answered: 0, total: 1, remade: 0, verdict: () => null },
      answer: async () => ({ kind: 'broken' as const, runId: 'r', stepNumber: 3, heldMs: 10 }),
    };
    const onFailure = (error: TachographError): void => void failures.push(error);
    const replayServer = await startReplayServer({ replay, patienceMs: 20, onFailure });
    const asked = fetch(replayServer.url, { method: 'POST', headers: { [targetHeader]: 'https://api.test/v1/chat' } });
    await expect(asked).rejects.toThrow();
    await until(() => failures.length > 0);
    await replayServer.close();
    expect(failures.map(({ code }) => code)).toEqual(['replay-not-recorded']);
    expect(failures[0]!.message).toMatch(/Step 3 of run r .* was left .* is now waited for/);
  });
});
