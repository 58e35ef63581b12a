import { describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatPath, isSettled, post, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import { createFetchCapture, recordingFetch } from './index.ts';

const { origin, handlers } = await openHttpStage();

describe('the caller notices nothing', () => {
  const record = (): { recording: Recording; fetch: typeof fetch } => {
    const recording = createRecording();
    return { recording, fetch: recordingFetch(recording.recorder) };
  };

  test('url, status, headers, clone and every way to read the body', async () => {
    handlers['/a'] = (_request, response) => {
      response.writeHead(201, 'Made', { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
      response.end('{"a":1}');
    };
    handlers['/moved'] = (_request, response) => void response.writeHead(302, { location: '/a' }).end();
    const { fetch: recorded, recording } = record();
    const [plain, seen] = await Promise.all([fetch(`${origin}/moved`), recorded(`${origin}/moved`)]);
    for (const name of ['url', 'status', 'statusText', 'ok', 'redirected', 'type', 'bodyUsed'] as const)
      expect(seen[name]).toBe(plain[name]);
    const values = (response: Response): [string, string][] =>
      [...response.headers].filter(([name]) => name !== 'date');
    expect(values(seen)).toEqual(values(plain));
    expect(seen.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(seen).toBeInstanceOf(Response);
    const copy = seen.clone();
    expect([copy.url, copy.redirected, copy.status]).toEqual([plain.url, true, 201]);
    expect(await copy.json()).toEqual({ a: 1 });
    expect(await seen.text()).toBe('{"a":1}');
    expect(seen.bodyUsed).toBe(true);
    await expect(seen.text()).rejects.toThrow(TypeError);
    expect(Buffer.from(await (await recorded(`${origin}/a`)).arrayBuffer()).toString()).toBe('{"a":1}');
    expect(await (await (await recorded(`${origin}/a`)).blob()).text()).toBe('{"a":1}');
    const byob = (await recorded(`${origin}/a`)).body!.getReader({ mode: 'byob' });
    expect(Buffer.from((await byob.read(new Uint8Array(100))).value!).toString()).toBe('{"a":1}');
    expect((await byob.read(new Uint8Array(100))).done).toBe(true);
    expect(recording.runs().flatMap(({ attempts }) => attempts.map(({ status }) => status))).toEqual(
      Array(4).fill('completed'),
    );
  });

  test('errors are the very same', async () => {
    const { recording } = record();
    const boom = new Error('boom');
    const broken = recordingFetch(recording.recorder, () => Promise.reject(boom));
    await expect(broken('https://api.openai.com/v1/x')).rejects.toBe(boom);
    const thrower = recordingFetch(recording.recorder, () => {
      throw boom;
    });
    expect(() => thrower('https://api.openai.com/v1/x')).toThrow(boom);
    await expect(recordingFetch(recording.recorder)('not a url')).rejects.toThrow(TypeError);
    const aborted = AbortSignal.abort(boom);
    await expect(recordingFetch(recording.recorder)(`${origin}/a`, { signal: aborted })).rejects.toBe(boom);
    expect(recording.runs().flatMap(({ attempts }) => attempts.map(({ status }) => status))).toEqual([
      'failed',
      'failed',
      'failed',
    ]);
  });

  test.each<[string, () => BodyInit, string | null, string]>([
    ['text', () => '{"a":1}', null, '{"a":1}'],
    ['bytes', () => new TextEncoder().encode('{"a":1}'), null, '{"a":1}'],
    ['a buffer', () => new TextEncoder().encode('{"a":1}').buffer, null, '{"a":1}'],
    ['a view', () => new DataView(new TextEncoder().encode('__{"a":1}').buffer, 2), null, '{"a":1}'],
    ['form fields', () => new URLSearchParams({ a: '1' }), null, 'a=1'],
    ['a blob', () => new Blob(['{"a":1}']), 'blob', '{"a":1}'],
    ['a stream', () => new Blob(['{"a":1}']).stream(), 'stream', '{"a":1}'],
  ])('a request body of %s is sent as it is', async (_name, body, withheld, arrived) => {
    let seen = '';
    handlers['/b'] = (_request, response, text) => {
      seen = text;
      response.end();
    };
    const { fetch: recorded, recording } = record();
    await (await recorded(`${origin}/b`, { method: 'POST', body: body(), duplex: 'half' } as RequestInit)).text();
    expect(seen).toBe(arrived);
    const { requestBody } = recording.run().attempts[0]!;
    expect(requestBody!.withheld).toBe(withheld);
    if (withheld === null) expect(recording.everything()).toContain(arrived);
  });

  test('form data is sent and its parts are not recorded', async () => {
    let seen = '';
    handlers['/b'] = (_request, response, text) => {
      seen = text;
      response.end();
    };
    const { fetch: recorded, recording } = record();
    const form = new FormData();
    form.set('file', new Blob(['private words']));
    await (await recorded(`${origin}/b`, { method: 'POST', body: form })).text();
    expect(seen).toContain('private words');
    expect(recording.run().attempts[0]!.requestBody!.withheld).toBe('form-data');
    expect(recording.everything()).not.toContain('private words');
  });

  test('a Request object is read from a copy when its body is in memory, else sent unseen', async () => {
    const bodies: string[] = [];
    handlers[chatPath] = (_request, response, text) => {
      bodies.push(text);
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    };
    const { fetch: recorded, recording } = record();
    await (await recorded(new Request(origin + chatPath, post(chatBody('in memory'))))).text();
    expect(recording.messages(recording.run().steps[0]!)).toEqual([{ role: 'user', content: 'in memory' }]);
    let release = (): void => undefined;
    const slow = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('{"messages":'));
        await new Promise<void>((resolve) => (release = resolve));
        controller.enqueue(new TextEncoder().encode('[]}'));
        controller.close();
      },
    });
    const sent = recorded(new Request(origin + chatPath, { ...post(slow), duplex: 'half' } as RequestInit));
    setTimeout(() => release(), 50);
    await (await sent).text();
    expect(bodies).toEqual([chatBody('in memory'), '{"messages":[]}']);
    expect(recording.runs()[1]!.attempts[0]!.requestBody!.withheld).toBe('stream');
  });

  test('bodies past the cap are cut and their size is kept', async () => {
    const words = 'word '.repeat(40_000);
    handlers['/c'] = (_request, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(words);
    const { fetch: recorded, recording } = record();
    expect(await (await recorded(`${origin}/c`)).text()).toBe(words);
    const body = recording.run().attempts[0]!.responseBody!;
    expect(body).toMatchObject({ truncated: true, bytes: 200_000 });
    expect(recording.contents().find(({ id }) => id === body.contentId)!.bytes.byteLength).toBe(50_000);
  });

  test('an error answer that nobody reads is recorded all the same', async () => {
    handlers['/d'] = (_request, response) =>
      void response.writeHead(500, { 'content-type': 'text/plain' }).end('it broke');
    const { fetch: recorded, recording } = record();
    await recorded(`${origin}/d`, { method: 'POST', body: 'x' });
    await until(isSettled(recording));
    expect(recording.run().attempts[0]).toMatchObject({ status: 'failed', retryClass: 'server', responseStatus: 500 });
    expect(recording.everything()).toContain('it broke');
  });

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('%s %i has no body and is whole at once', async (method, status) => {
    handlers['/e'] = (_request, response) =>
      void response.writeHead(status, status === 200 ? { 'content-length': '99' } : {}).end();
    const { fetch: recorded, recording } = record();
    const response = await recorded(`${origin}/e`, { method });
    expect([response.status, response.body]).toEqual([status, null]);
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', responseStatus: status });
  });

  test('an answer of a foreign kind is handed through', async () => {
    const foreign = {
      status: 200,
      headers: new Map([['content-type', 'text/plain']]),
      body: { pipe: () => undefined },
      text: async () => 'x',
    };
    const recording = createRecording();
    const recorded = recordingFetch(recording.recorder, (async () => foreign) as unknown as typeof fetch);
    expect(await recorded('https://api.openai.com/v1/x')).toBe(foreign);
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200 });
  });

  test('a recorder that records nothing gives the fetch back', () => {
    const recorder = { ...createRecording().recorder, recording: false };
    const given = (async () => new Response()) as typeof fetch;
    expect(recordingFetch(recorder, given)).toBe(given);
  });

  test('a recorder that throws everywhere is not felt', async () => {
    handlers[chatPath] = (_request, response) => void response.end('fine');
    const bad = new Proxy({ recording: true } as never, {
      get: (_target, name) => {
        if (name === 'recording') return true;
        throw new Error('broken recorder');
      },
    });
    const errors: unknown[] = [];
    const uninstall = createFetchCapture({
      recorder: bad,
      hostList: '127.0.0.1',
      onError: (error) => void errors.push(error),
    }).install();
    expect(await (await fetch(origin + chatPath, post(chatBody('a')))).text()).toBe('fine');
    expect(await (await recordingFetch(bad)(origin + chatPath, post(chatBody('a')))).text()).toBe('fine');
    uninstall();
    expect(errors.length).toBeGreaterThan(0);
  });

  test('uninstalling gives the process its fetch back', () => {
    const before = globalThis.fetch;
    const uninstall = createFetchCapture({ recorder: createRecording().recorder }).install();
    expect(globalThis.fetch).not.toBe(before);
    uninstall();
    expect(globalThis.fetch).toBe(before);
  });
});
