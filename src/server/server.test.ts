import { once } from 'node:events';
import { get, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { recordScenario } from '../../test/server/scenario.ts';
import type { Stage, StageOptions } from '../../test/server/stage.ts';
import { createStage, readUntil } from '../../test/server/stage.ts';
import type { Server } from './index.ts';
import { createServer } from './index.ts';

const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ timeoutMs: 100 })));
});

async function serve(options: StageOptions = {}): Promise<{ stage: Stage; server: Server }> {
  const stage = await createStage(options);
  const server = await createServer({ handler: stage.handler, port: 0 });
  servers.push(server);
  return { stage, server };
}

/** What a server answers to bytes, until it closes the connection. */
async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

test('serves on loopback at the address it says', async () => {
  const { server } = await serve();
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
  const response = await fetch(`${server.url}/healthz`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test.each(['0.0.0.0', '::', '192.168.1.10', 'example.com', ''])('binding to %j is refused', async (host) => {
  const { handler } = await createStage();
  await expect(createServer({ handler, port: 0, host })).rejects.toMatchObject({ code: 'bind-refused' });
});

test('a taken port is said to be taken', async () => {
  const { stage, server } = await serve();
  const second = createServer({ handler: stage.handler, port: server.port });
  await expect(second).rejects.toMatchObject({
    code: 'port-taken',
    message: expect.stringContaining(String(server.port)),
  });
  await expect(createServer({ handler: stage.handler, port: 99_999 })).rejects.toMatchObject({ code: 'bad-argument' });
});

test('a foreign Host, a foreign port, a broken target and a missing Host are refused', async () => {
  const { server } = await serve();
  const { port } = server;
  const ask = (target: string, host: string | null): Promise<string> =>
    sendRaw(port, `GET ${target} HTTP/1.1\r\n${host === null ? '' : `Host: ${host}\r\n`}Connection: close\r\n\r\n`);
  expect(await ask('/api/v1/runs', `localhost:${port}`)).toMatch(/^HTTP\/1.1 200/);
  expect(await ask('/api/v1/runs', 'evil.example')).toMatch(/^HTTP\/1.1 403/);
  expect(await ask('/api/v1/runs', `localhost:${port + 1}`)).toMatch(/^HTTP\/1.1 403/);
  expect(await ask('http://evil.example/api/v1/runs', `localhost:${port}`)).not.toMatch(/^HTTP\/1.1 5/);
  expect(await ask('//evil', `localhost:${port}`)).toMatch(/^HTTP\/1.1 4/);
  expect(await ask('/\\..\\x', `localhost:${port}`)).toMatch(/^HTTP\/1.1 400[^]*nosniff/);
  expect(await ask('/api/v1/runs', 'a b')).toMatch(/^HTTP\/1.1 4/);
  expect(await ask('/api/v1/runs', null)).toMatch(/^HTTP\/1.1 400/);
});

test('a hundred clients in parallel get whole answers', async () => {
  const { stage, server } = await serve();
  const { runId } = await recordScenario(stage);
  const paths = [
    '/api/v1/runs?count=true',
    `/api/v1/runs/${runId}`,
    `/api/v1/runs/${runId}/steps`,
    `/api/v1/runs/${runId}/events`,
  ];
  const wanted = new Map(
    await Promise.all(paths.map(async (path) => [path, await (await stage.get(path)).text()] as const)),
  );
  const answers = await Promise.all(
    Array.from({ length: 400 }, async (_, at) => {
      const path = paths[at % paths.length]!;
      return (await (await fetch(server.url + path)).text()) === wanted.get(path);
    }),
  );
  expect(answers.every(Boolean)).toBe(true);
});

test('a client that stops reading is cut off, and the others go on', async () => {
  const { stage, server } = await serve({ withNews: true, streamLimits: { bufferBytes: 64 * 1024, stallMs: 1500 } });
  const run = stage.recorder.startRun({ agentId: 'a' });
  await stage.publish();
  const path = `/api/v1/runs/${run.id}/events`;
  const [slow] = (await once(get(server.url + path, { headers: { accept: 'text/event-stream' } }), 'response')) as [
    IncomingMessage,
  ];
  slow.on('error', () => undefined);
  const cut = new Promise((resolve) => slow.once('close', resolve));
  slow.pause();
  const quick = readUntil(
    await fetch(server.url + path, { headers: { accept: 'text/event-stream' } }),
    (got) => got.at(-1)!.event === 'end',
  );
  for (let at = 0; at < 300; at += 1) {
    run.log('tick', { text: 'lorem ipsum '.repeat(8000) });
    await stage.publish();
  }
  run.close({ endReason: 'ok' });
  await stage.publish();
  const messages = await quick;
  expect(messages.filter(({ event }) => event === 'message')).toHaveLength(302);
  while (!(await (await stage.get('/metrics')).text()).includes('reason="slow"} 1')) await sleep(20);
  slow.resume();
  await cut;
  expect(slow.complete).toBe(false);
  expect(stage.errors).toEqual([]);
});

test('a client that leaves frees its stream', async () => {
  const { stage, server } = await serve();
  const { runId } = await recordScenario(stage);
  const leaving = new AbortController();
  await fetch(`${server.url}/api/v1/runs/${runId}/events`, {
    headers: { accept: 'text/event-stream' },
    signal: leaving.signal,
  });
  expect(await (await stage.get('/metrics')).text()).toContain('tachograph_streams 1\n');
  leaving.abort();
  while (!(await (await stage.get('/metrics')).text()).includes('tachograph_streams 0\n')) await sleep(5);
});

test('closing finishes what is under way, ends streams and takes nothing new', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const { stage, server } = await serve({
    async verify() {
      await held;
      throw new Error('not reached by this test');
    },
  });
  const { runId } = await recordScenario(stage);
  const slow = fetch(`${server.url}/api/v1/runs/${runId}/verify`);
  const stream = await fetch(`${server.url}/api/v1/runs/${runId}/events`, { headers: { accept: 'text/event-stream' } });
  await sleep(30);
  const closing = server.close();
  expect(await stream.text()).toContain('event: end');
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  release();
  expect((await slow).status).toBe(500);
  await closing;
});

test('closing cuts what does not end in time', async () => {
  const { stage, server } = await serve({ verify: () => new Promise(() => undefined) });
  const { runId } = await recordScenario(stage);
  const stuck = fetch(`${server.url}/api/v1/runs/${runId}/verify`);
  stuck.catch(() => undefined);
  await sleep(30);
  await server.close({ timeoutMs: 50 });
  await expect(stuck).rejects.toThrow();
});

test('a body past its cap is refused while it is still coming', async () => {
  const { stage, server } = await serve();
  const { runId } = await recordScenario(stage);
  const sending = request(`${server.url}/api/v1/runs/${runId}/annotations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  sending.on('error', () => undefined);
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  const chunk = Buffer.alloc(16 * 1024, 0x20);
  for (let at = 0; at < 8; at += 1) sending.write(chunk);
  const [response] = await answered;
  expect(response.statusCode).toBe(413);
  sending.destroy();
});
