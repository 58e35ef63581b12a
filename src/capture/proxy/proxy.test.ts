import type { IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatDelta, chatPath, isSettled, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { RecordingProxy } from './proxy.ts';
import { createRecordingProxy } from './proxy.ts';
import { toOwnUpstream } from './upstreams.ts';

const key = 'sk-proj-hidden0000hidden0000hidden0000';

interface Place {
  readonly recording: Recording;
  readonly proxy: RecordingProxy;
  readonly port: number;
  readonly upstreamPort: number;
  /** Answers what comes to the upstream. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}

let place: Place;
const servers: Server[] = [];

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

beforeEach(async () => {
  const recording = createRecording();
  const holder: { place?: Place } = {};
  const upstreamPort = await listen(createServer((request, response) => holder.place!.answer(request, response)));
  const proxy = createRecordingProxy({
    recorder: recording.recorder,
    upstreams: [
      toOwnUpstream('openai', `http://127.0.0.1:${upstreamPort}`),
      toOwnUpstream('walled', `http://127.0.0.1:${upstreamPort}/base/v1`),
      toOwnUpstream('gone', 'http://127.0.0.1:9'),
    ],
    onError: (error) => void (recording.complaints as unknown[]).push(error),
  });
  const port = await listen(createServer((incoming, outgoing) => proxy.handle(incoming, outgoing)));
  place = { recording, proxy, port, upstreamPort, answer: (_request, response) => void response.writeHead(500).end() };
  holder.place = place;
});

afterEach(async () => {
  place.proxy.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
  expect(place.recording.complaints).toEqual([]);
});

interface Got {
  readonly status: number;
  readonly statusMessage: string;
  readonly raw: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

function ask(path: string, options: RequestOptions & { body?: string | Buffer } = {}): Promise<Got> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        port: place.port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        agent: false,
        ...rest,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => void chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode!,
            statusMessage: response.statusMessage!,
            raw: response.rawHeaders,
            body: Buffer.concat(chunks),
            trailers: response.rawTrailers,
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const json = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
const chat = (more: RequestOptions & { body?: string } = {}): Promise<Got> =>
  ask(`/proxy/openai${chatPath}`, { body: chatBody('what does it weigh?'), headers: json, ...more });

function answerChat(words = 'twelve tons'): void {
  place.answer = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer(words));
}

describe('what passes', () => {
  test('request and answer word for word, key included, and the record without the key (I4)', async () => {
    let seen: { raw: readonly string[]; body: string; url: string } | null = null;
    place.answer = async (request, response) => {
      seen = { raw: request.rawHeaders, body: await readAll(request), url: request.url! };
      response.sendDate = false;
      response.writeHead(201, 'Made', ['X-Odd-CASE', 'a', 'X-Odd-CASE', 'b', 'Content-Type', 'application/json']);
      response.end(chatAnswer('twelve tons'));
    };
    const got = await chat({
      path: `/proxy/openai${chatPath}?key=AIzaSyHiddenHiddenHiddenHiddenHidden12`,
      headers: {
        ...json,
        'X-Own-HEADER': 'kept',
        'x-tachograph-note': 'ours',
        connection: 'close, x-hop',
        'x-hop': '1',
      },
    });
    expect([got.status, got.statusMessage]).toEqual([201, 'Made']);
    expect(got.raw.join('|')).toContain('X-Odd-CASE|a|X-Odd-CASE|b|Content-Type|application/json');
    expect(got.raw.map((name) => name.toLowerCase())).not.toContain('date');
    expect(got.body.toString()).toBe(chatAnswer('twelve tons'));
    const { raw, body, url } = seen!;
    expect(url).toBe(`${chatPath}?key=AIzaSyHiddenHiddenHiddenHiddenHidden12`);
    expect(body).toBe(chatBody('what does it weigh?'));
    expect(raw).toEqual(expect.arrayContaining(['X-Own-HEADER', 'kept', 'authorization', `Bearer ${key}`]));
    expect(raw[raw.indexOf('Host') + 1]).toBe(`127.0.0.1:${place.upstreamPort}`);
    expect(raw.filter((name) => /^(?:host|x-tachograph-note|x-hop)$/i.test(name))).toEqual(['Host']);

    await until(isSettled(place.recording));
    const { run, steps, attempts } = place.recording.run();
    expect(run).toMatchObject({ agentId: 'proxy' });
    expect(steps).toMatchObject([
      { kind: 'model', provider: 'openai', model: 'gpt-9-served', status: 'completed', usage: { input: { total: 9 } } },
    ]);
    expect(attempts).toMatchObject([{ status: 'completed', responseStatus: 201, method: 'POST' }]);
    expect(place.recording.messages(steps[0]!)).toEqual([{ role: 'user', content: 'what does it weigh?' }]);
    expect(place.recording.everything()).not.toMatch(/hidden0000|AIzaSyHidden/);
  });

  test('an error of the provider, byte for byte, compressed as it came', async () => {
    const packed = gzipSync('{"error": {"message":"slow  down","type":"rate_limit"}}');
    place.answer = (_request, response) =>
      void response
        .writeHead(429, {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'retry-after': '2',
          'content-length': packed.length,
        })
        .end(packed);
    const got = await chat({ headers: { ...json, 'accept-encoding': 'gzip' } });
    expect(got.status).toBe(429);
    expect(got.body.equals(packed)).toBe(true);
    await until(isSettled(place.recording));
    const { steps, attempts } = place.recording.run();
    expect(steps[0]).toMatchObject({ status: 'error', error: { message: 'slow  down', status: 429 } });
    expect(attempts[0]).toMatchObject({ responseStatus: 429, retryClass: 'rate-limit', retryDelayMs: 2000 });
  });

  test('trailers, both ways', async () => {
    let trailer: string | undefined;
    place.answer = async (request, response) => {
      await readAll(request);
      trailer = request.trailers['x-sum'];
      response.writeHead(200, { 'content-type': 'application/json', trailer: 'x-checked' });
      response.write(chatAnswer('ok'));
      response.addTrailers({ 'x-checked': 'yes' });
      response.end();
    };
    const got = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = httpRequest({ port: place.port, path: `/proxy/openai${chatPath}`, method: 'POST', agent: false });
      sent.setHeader('content-type', 'application/json');
      sent.setHeader('transfer-encoding', 'chunked');
      sent.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response));
      });
      sent.on('error', reject);
      sent.addTrailers({ 'x-sum': '42' });
      sent.end(chatBody('hello'));
    });
    expect(trailer).toBe('42');
    expect(got.rawTrailers).toEqual(['x-checked', 'yes']);
    await until(isSettled(place.recording));
    expect(place.recording.messages(place.recording.run().steps[0]!)).toEqual([{ role: 'user', content: 'hello' }]);
  });

  test('a call that no model answers passes unrecorded', async () => {
    place.answer = (_request, response) => void response.end('{"data":[]}');
    expect((await ask('/proxy/openai/v1/models')).body.toString()).toBe('{"data":[]}');
    expect(place.recording.runs()).toEqual([]);
  });

  test('a call that is recorded where it comes from passes unrecorded, its mark taken off', async () => {
    let mark: unknown = null;
    place.answer = (request, response) => {
      mark = request.headers['x-tachograph-recorded'];
      response.end(chatAnswer('ok'));
    };
    await chat({ headers: { ...json, 'x-tachograph-recorded': '1' } });
    expect(mark).toBe(undefined);
    expect(place.recording.runs()).toEqual([]);
  });
});

describe('streams', () => {
  test('an answer comes event by event, while it is still being made, and is recorded as it was told', async () => {
    let push: ((text: string | null) => void) | null = null;
    place.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      push = (text) => void (text === null ? response.end() : response.write(text));
      push(chatDelta({ role: 'assistant', content: 'twelve ' }));
    };
    const pieces: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      const sent = httpRequest(
        { port: place.port, path: `/proxy/openai${chatPath}`, method: 'POST', headers: json, agent: false },
        (response) => {
          response.on('data', (chunk: Buffer) => void pieces.push(chunk.toString()));
          response.on('end', resolve);
        },
      );
      sent.on('error', reject);
      sent.end(chatBody('weight?', { stream: true }));
    });
    // The second half is written only once the first has come through.
    await until(() => pieces.join('').includes('twelve '));
    push!(
      `${chatDelta({ content: 'tons' }, 'stop')}data: {"usage":{"prompt_tokens":5,"completion_tokens":2},"choices":[]}\n\n`,
    );
    push!('data: [DONE]\n\n');
    push!(null);
    await ended;
    await until(isSettled(place.recording));
    const { steps } = place.recording.run();
    expect(steps[0]).toMatchObject({
      operation: 'stream',
      status: 'completed',
      usage: { input: { total: 5 }, output: { total: 2 } },
    });
    expect(place.recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'twelve tons' }]);
  });

  test('a request goes up as it is written, all but its last byte, which waits for the record (I3)', async () => {
    const seen: string[] = [];
    let runsAtEnd = -1;
    place.answer = (request, response) => {
      request.on('data', (chunk: Buffer) => void seen.push(chunk.toString()));
      request.on('end', () => {
        runsAtEnd = place.recording.runs().length;
        response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('ok'));
      });
    };
    const body = chatBody('a long story');
    const sent = httpRequest({
      port: place.port,
      path: `/proxy/openai${chatPath}`,
      method: 'POST',
      headers: { ...json, 'transfer-encoding': 'chunked' },
      agent: false,
    });
    const answered = new Promise((resolve) => void sent.on('response', (response) => resolve(response.resume())));
    sent.write(body.slice(0, 20));
    await until(() => seen.join('') === body.slice(0, 19));
    expect(place.recording.runs()).toEqual([]);
    sent.write(body.slice(20));
    await until(() => seen.join('') === body.slice(0, -1));
    expect(place.recording.runs()).toEqual([]);
    sent.end();
    await answered;
    expect(seen.join('')).toBe(body);
    expect(runsAtEnd).toBe(1);
    await until(isSettled(place.recording));
  });

  test('a client that leaves is left upstream as well, and what it had stays', async () => {
    let isLeft = false;
    place.answer = (_request, response) => {
      response.on('close', () => (isLeft = true));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ role: 'assistant', content: 'half of' }));
    };
    const sent = httpRequest({
      port: place.port,
      path: `/proxy/openai${chatPath}`,
      method: 'POST',
      headers: json,
      agent: false,
    });
    sent.on('error', () => undefined);
    sent.on('response', (response) => {
      response.on('error', () => undefined);
      response.once('data', () => sent.destroy());
    });
    sent.end(chatBody('go on', { stream: true }));
    await until(() => isLeft);
    await until(isSettled(place.recording));
    const { steps, attempts } = place.recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(attempts[0]).toMatchObject({ status: 'failed' });
    expect(place.recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'half of' }]);
  });

  test('a client that leaves before the answer is told upstream', async () => {
    let isLeft = false;
    let isAsked = false;
    place.answer = (request, response) => {
      isAsked = true;
      request.resume();
      response.on('close', () => (isLeft = true));
    };
    const sent = httpRequest({
      port: place.port,
      path: `/proxy/openai${chatPath}`,
      method: 'POST',
      headers: json,
      agent: false,
    });
    sent.on('error', () => undefined);
    sent.end(chatBody('never mind'));
    await until(() => isAsked);
    sent.destroy();
    await until(() => isLeft);
    await until(isSettled(place.recording));
    expect(place.recording.run().steps[0]).toMatchObject({ status: 'interrupted' });
  });

  test('an upstream that breaks off is a broken answer for the client too', async () => {
    place.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ role: 'assistant', content: 'half of' }));
      setTimeout(() => response.destroy(), 20);
    };
    await expect(chat()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await until(isSettled(place.recording));
    expect(place.recording.run().steps[0]).toMatchObject({ status: 'error' });
  });
});

describe('what does not pass', () => {
  test('an upstream that is not there is said in the form of the providers', async () => {
    const got = await ask(`/proxy/gone${chatPath}`, { body: chatBody('hello'), headers: json });
    expect(got.status).toBe(502);
    expect(JSON.parse(got.body.toString())).toMatchObject({ error: { code: 'upstream-unreached' } });
    await until(isSettled(place.recording));
    expect(place.recording.run().steps[0]).toMatchObject({ status: 'error' });
  });

  test('a redirect within the upstream leads back through the proxy, any other is refused', async () => {
    place.answer = (_request, response) => void response.writeHead(307, { location: '/v1/other' }).end();
    const inside = await chat();
    expect(inside.status).toBe(307);
    expect(inside.raw[inside.raw.indexOf('Location') + 1]).toBe('/proxy/openai/v1/other');
    for (const location of ['https://elsewhere.example/v1', '//elsewhere.example/v1', 'http://a:b@127.0.0.1/x']) {
      place.answer = (_request, response) => void response.writeHead(302, { location }).end();
      const outside = await chat();
      expect(outside.status).toBe(502);
      expect(outside.raw.map((name) => name.toLowerCase())).not.toContain('location');
    }
    place.answer = (_request, response) => void response.writeHead(307, { location: '/outside' }).end();
    expect((await ask('/proxy/walled/chat/completions', { body: chatBody('x'), headers: json })).status).toBe(502);
    await until(isSettled(place.recording));
  });

  test.each([
    '/proxy/nobody/v1/x',
    '/proxy/',
    '/proxy/walled/../../v1/x',
    '/proxy/walled/%2e%2e/x',
    '/proxy/walled/a/..%2fx',
    '/proxy/openai:80@elsewhere.example/x',
    'http://elsewhere.example/proxy/openai/v1/x',
  ])('%s reaches nobody', async (path) => {
    let isReached = false;
    place.answer = (_request, response) => {
      isReached = true;
      response.end();
    };
    expect((await ask(path)).status).toBe(404);
    expect(isReached).toBe(false);
  });

  test('a path with two slashes stays on the upstream', async () => {
    let url = '';
    place.answer = (request, response) => {
      url = request.url!;
      response.end('{}');
    };
    await ask('/proxy/openai//elsewhere.example/v1/models');
    expect(url).toBe('//elsewhere.example/v1/models');
  });
});

test('calls of one trace share a run, which carries its id', async () => {
  answerChat();
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  let forwarded: unknown;
  for (const words of ['one', 'two']) {
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    await chat({ body: chatBody(words), headers: { ...json, traceparent } });
  }
  place.answer = (request, response) => {
    forwarded = request.headers['traceparent'];
    response.end(chatAnswer('x'));
  };
  await chat({
    body: chatBody('three'),
    headers: { ...json, traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01' },
  });
  expect(forwarded).toBe('00-00000000000000000000000000000000-b7ad6b7169203331-01');
  await until(isSettled(place.recording));
  place.proxy.close();
  const runs = place.recording.runs();
  expect(runs.map(({ run, steps }) => [run.traceId === traceId, run.endReason, steps.length])).toEqual([
    [true, 'ok', 2],
    [false, 'ok', 1],
  ]);
});

test('a slow client is not read ahead of', async () => {
  let written = 0;
  let response: ServerResponse | null = null;
  place.answer = (_request, outgoing) => {
    response = outgoing;
    outgoing.writeHead(200, { 'content-type': 'application/octet-stream' });
    const more = (): void => {
      while (written < 64 * 1024 * 1024) {
        written += 65_536;
        if (!outgoing.write(Buffer.alloc(65_536))) return void outgoing.once('drain', more);
      }
      outgoing.end();
    };
    more();
  };
  const socket: Socket = connect(place.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET /proxy/openai/v1/files/1/content HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await until(() => written > 0);
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect(written).toBeLessThan(48 * 1024 * 1024);
  socket.destroy();
  await until(() => response!.closed);
});
