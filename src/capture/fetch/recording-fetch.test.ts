import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createAiSdkCapture } from '../ai-sdk/index.ts';
import { createFetchCapture, ledgerOf, recordingFetch } from './index.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;
const handlers: Record<string, Handler> = {};
let server: Server;
let origin = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const handler = handlers[request.url!.split('?')[0]!];
      if (handler === undefined) return response.writeHead(404).end();
      handler(request, response, Buffer.concat(chunks).toString('utf8'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const undo: (() => void)[] = [];
afterEach(() => {
  for (const one of undo.splice(0)) one();
});

const chatPath = '/v1/chat/completions';
const chatBody = (words: string, more: object = {}): string => JSON.stringify({ model: 'gpt-9', messages: [{ role: 'user', content: words }], ...more });
const chatAnswer = (words: string): string =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-9-served',
    choices: [{ index: 0, message: { role: 'assistant', content: words }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
  });
const chatDelta = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'gpt-9-served', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const post = (body: BodyInit): RequestInit => ({ method: 'POST', body, headers: { 'content-type': 'application/json', authorization: 'Bearer sk-hidden-key-000000' } });

/** Both layers over this process, or those named. */
function capture(layers?: readonly ('fetch' | 'channels')[]): Recording {
  const recording = createRecording();
  const complaints = recording.complaints as unknown[];
  undo.push(
    createFetchCapture({
      recorder: recording.recorder,
      hostList: '127.0.0.1:*',
      onError: (error) => void complaints.push(error),
      ...(layers === undefined ? {} : { layers }),
    }).install(),
  );
  return recording;
}

/** Lets events that are under way arrive. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !isTrue(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isTrue()).toBe(true);
}
const isSettled = (recording: Recording) => (): boolean =>
  recording.runs().length > 0 && recording.runs().every(({ attempts, steps }) => attempts.length > 0 && attempts.every(({ status }) => status !== null) && steps.every(({ status }) => status !== 'in_progress'));

describe.each([
  ['fetch and channels', undefined],
  ['fetch alone', ['fetch'] as const],
  ['channels alone', ['channels'] as const],
])('a raw call, seen by %s', (_name, layers) => {
  test('is one run with one step and one attempt, word for word', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_7' });
      response.end(chatAnswer('hi'));
    };
    const recording = capture(layers);
    const sent = '{"model":"gpt-9",  "messages":[{"role":"user","content":"hello"}],"temperature":0.50}';
    const answer = await (await fetch(origin + chatPath, post(sent))).json();
    expect((answer as { id: string }).id).toBe('chatcmpl-1');
    await until(isSettled(recording));
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ agentId: 'http', capture: 'http', status: 'running', model: 'gpt-9-served' });
    expect(run.summary).toMatchObject({ firstMessage: 'hello', endpoint: `POST ${chatPath}` });
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({
      kind: 'model',
      operation: 'generate',
      status: 'completed',
      requestedModel: 'gpt-9',
      providerResponseId: 'chatcmpl-1',
      finishReason: { unified: 'stop', raw: 'stop' },
      options: { temperature: 0.5 },
    });
    expect(steps[0]!.usage).toMatchObject({ input: { total: 9, noCache: 5, cacheRead: 4, cacheWrite: null }, output: { total: 3, reasoning: null }, requests: 1 });
    expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: 'hello' }]);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'hi' }]);
    expect(attempts).toHaveLength(1);
    expect(attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200, method: 'POST', path: chatPath, providerRequestId: 'req_7', retryClass: null });
    expect(attempts[0]!.requestBody!.bytes).toBe(sent.length);
    expect(recording.contents().map(({ bytes }) => Buffer.from(bytes).toString('utf8'))).toContain(sent);
    expect(recording.content(attempts[0]!.responseBody!.contentId)).toMatchObject({ id: 'chatcmpl-1' });
    expect(recording.everything()).not.toContain('sk-hidden');
    expect(recording.complaints).toEqual([]);
  });

  test('with a compressed answer is read and its bytes are whole', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(chatAnswer('packed')));
    };
    const recording = capture(layers);
    expect(await (await fetch(origin + chatPath, post(chatBody('a')))).text()).toBe(chatAnswer('packed'));
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'packed' }]);
    expect(attempts[0]).toMatchObject({ status: 'completed' });
  });

  test('as a stream is folded, its parts merged', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const word of ['Grüß', ' Gott', '!']) response.write(chatDelta({ content: word }));
      response.write(chatDelta({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '{"a"' } }] }));
      response.write(chatDelta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }));
      response.write(chatDelta({}, 'tool_calls'));
      response.end(`data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n`);
    };
    const recording = capture(layers);
    await (await fetch(origin + chatPath, post(chatBody('a', { stream: true })))).text();
    await until(isSettled(recording));
    const step = recording.run().steps[0]!;
    expect(step).toMatchObject({ status: 'completed', operation: 'stream', finishReason: { unified: 'tool-calls', raw: 'tool_calls' } });
    expect(step.timeToFirstTokenMs).not.toBeNull();
    expect(step.stream).toMatchObject({ textDeltas: 3, toolCalls: 1, chunkTiming: { count: 6 } });
    expect(recording.content(step.responseId)).toEqual([
      { type: 'text', text: 'Grüß Gott!' },
      { type: 'tool-call', toolCallId: 'call_1', toolName: 'f', input: '{"a":1}' },
    ]);
    expect(step.usage!.output.total).toBe(2);
  });

  test('left half-way is interrupted and keeps what came', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ content: 'half' }));
    };
    const recording = capture(layers);
    const response = await fetch(origin + chatPath, post(chatBody('a', { stream: true })));
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'half' }]);
    expect(attempts[0]).toMatchObject({ status: 'failed', responseStatus: 200 });
  });

  test('aborted half-way is interrupted, and the caller sees its own reason', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ content: 'half' }));
    };
    const recording = capture(layers);
    const controller = new AbortController();
    const reason = new DOMException('enough', 'AbortError');
    const response = await fetch(origin + chatPath, { ...post(chatBody('a', { stream: true })), signal: controller.signal });
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort(reason);
    await expect(reader.read()).rejects.toBe(reason);
    await until(isSettled(recording));
    expect(recording.run().steps[0]).toMatchObject({ status: 'interrupted' });
    expect(recording.run().attempts[0]).toMatchObject({ status: 'failed', retryClass: null });
  });

  test('cut off by the server is an error of the network', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"id":');
      setTimeout(() => response.destroy(), 20);
    };
    const recording = capture(layers);
    const response = await fetch(origin + chatPath, post(chatBody('a')));
    await expect(response.text()).rejects.toThrow('terminated');
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'error', usage: null });
    expect(attempts[0]).toMatchObject({ status: 'failed', retryClass: 'network', responseStatus: 200 });
    expect(attempts[0]!.error!.message).toBeTruthy();
  });

  test('that reaches nobody is an error of the network', async () => {
    const recording = capture(layers);
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    await expect(fetch(`http://127.0.0.1:${port}${chatPath}`, post(chatBody('a')))).rejects.toThrow('fetch failed');
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'error' });
    // The channels see a body on its way out only: here it never left.
    expect(recording.messages(steps[0]!)).toHaveLength(layers?.[0] === 'channels' ? 0 : 1);
    expect(attempts[0]).toMatchObject({ status: 'failed', retryClass: 'network', responseStatus: null });
    expect(attempts[0]!.error!.code ?? attempts[0]!.error!.causes.length).toBeTruthy();
  });

  test('64 at once, redirects among them, each with its own words', async () => {
    handlers['/old/v1/chat/completions'] = (_request, response) => void response.writeHead(307, { location: chatPath }).end();
    handlers[chatPath] = (_request, response, body) => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(chatAnswer(`answer ${messages[0]!.content}`));
      }, Number(messages[0]!.content) % 17);
    };
    const recording = capture(layers);
    await recording.recorder.run({ agentId: 'fan' }, async () => {
      await Promise.all(
        Array.from({ length: 64 }, async (_, index) => {
          await recording.recorder.run({ agentId: `child-${index}` }, async () => {
            const isMoved = index % 8 === 0 && layers?.[0] !== 'channels';
            const response = await fetch(origin + (isMoved ? '/old' : '') + chatPath, post(chatBody(String(index))));
            expect(response.redirected).toBe(isMoved);
            expect(response.url).toBe(origin + chatPath);
            await response.text();
          });
        }),
      );
    });
    await until(isSettled({ ...recording, runs: () => recording.runs().filter(({ run }) => run.agentId !== 'fan') }));
    expect(recording.runs()).toHaveLength(65);
    for (const { run, steps, attempts } of recording.runs().slice(1)) {
      const index = run.agentId.slice('child-'.length);
      expect([steps.length, attempts.length]).toEqual([1, 1]);
      expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: index }]);
      expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: `answer ${index}` }]);
    }
  });

  test('tried again after 429 and 429 is one step with three attempts', async () => {
    let tries = 0;
    handlers[chatPath] = (_request, response) => {
      tries += 1;
      if (tries < 3) response.writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '3' }).end('{"error":{"message":"slow down","type":"rate_limit_error"}}');
      else response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('at last'));
    };
    const recording = capture(layers);
    const ask = async (): Promise<string> => {
      for (;;) {
        const response = await fetch(origin + chatPath, post(chatBody('a')));
        if (response.status === 200) return response.text();
        if (layers?.[0] === 'channels') await response.text();
      }
    };
    await ask();
    await until(isSettled(recording));
    const { run, steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', error: null });
    expect(attempts.map((attempt) => [attempt.number, attempt.status, attempt.responseStatus, attempt.retryClass, attempt.retryDelayMs])).toEqual([
      [1, 'failed', 429, 'rate-limit', 3],
      [2, 'failed', 429, 'rate-limit', 3],
      [3, 'completed', 200, null, null],
    ]);
    expect(attempts[0]!.error).toMatchObject({ name: 'rate_limit_error', message: 'slow down', status: 429, isRetryable: true });
    expect(run.counts).toMatchObject({ steps: 1, attempts: 3, errors: 0 });
  });

  test('to a host that is not listed is not recorded', async () => {
    handlers[chatPath] = (_request, response) => void response.end('{}');
    const recording = createRecording();
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '', ...(layers === undefined ? {} : { layers }) }).install());
    await (await fetch(origin + chatPath, post(chatBody('a')))).text();
    expect(recording.runs()).toEqual([]);
  });
});

describe('where a call is recorded', () => {
  test('reuseStep makes retries of changed requests one step', async () => {
    let tries = 0;
    handlers[chatPath] = (_request, response) => {
      tries += 1;
      response.writeHead(tries === 1 ? 529 : 200, { 'content-type': 'application/json' }).end(tries === 1 ? '{}' : chatAnswer('b'));
    };
    const recording = capture();
    await recording.recorder.run({ agentId: 'a' }, () =>
      recording.recorder.reuseStep(async () => {
        await fetch(origin + chatPath, post(chatBody('a')));
        await (await fetch(origin + chatPath, post(chatBody('a', { temperature: 1 })))).text();
      }),
    );
    const { steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(attempts.map(({ retryClass }) => retryClass)).toEqual(['overloaded', null]);
    expect(steps[0]!.status).toBe('completed');
  });

  test('inside a tool it is a step under the tool, in its run', async () => {
    handlers[chatPath] = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('b'));
    const recording = capture();
    await recording.recorder.run({ agentId: 'a' }, async (run) => {
      const tool = run.tool({ name: 'ask' });
      await tool.within(async () => (await fetch(origin + chatPath, post(chatBody('a')))).text());
      tool.succeed('ok');
    });
    const { steps } = recording.run();
    expect(steps.map(({ kind }) => kind)).toEqual(['tool', 'model']);
    expect(steps[1]!.parentStepId).toBe(steps[0]!.id);
  });

  test('inside an open attempt it is that attempt, whatever the host, and the wire has the last word', async () => {
    handlers['/anything'] = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}');
    const recording = createRecording();
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '' }).install());
    await recording.recorder.run({ agentId: 'a' }, async (run) => {
      const step = run.step({ kind: 'model', operation: 'generate' });
      const attempt = step.attempt();
      await step.within(async () => (await fetch(`${origin}/anything?key=AIzaSyA0123456789012345678901234567890ab`, post('{"q":1}'))).text());
      expect([attempt.claimed, attempt.finished]).toEqual([true, true]);
      step.finish({ status: 'completed' });
    });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200, path: '/anything', method: 'POST' });
    expect(attempts[0]!.requestBody).toMatchObject({ bytes: 7 });
    expect(recording.everything()).not.toContain('AIzaSyA0123');
  });

  test('calls that go on from an earlier one share its run; others do not', async () => {
    handlers[chatPath] = (_request, response, body) => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer(`re: ${messages.at(-1)!.content} ${messages.length}`));
    };
    const recording = capture();
    const talk = async (name: string, turns: number): Promise<void> => {
      const messages: object[] = [{ role: 'system', content: 'S' }, { role: 'user', content: 'hello' }];
      for (let turn = 0; turn < turns; turn += 1) {
        const body = JSON.stringify({ model: 'gpt-9', messages });
        const answer = (await (await fetch(origin + chatPath, post(body))).json()) as { choices: { message: object }[] };
        messages.push({ ...answer.choices[0]!.message, content: `${name}${turn}` }, { role: 'user', content: `${name} ${turn}` });
      }
    };
    await talk('a', 3);
    await talk('b', 1);
    expect(recording.runs().map(({ steps }) => steps.length)).toEqual([3, 1]);
    expect(recording.runs()[0]!.steps.every(({ prefixBreak }) => prefixBreak === null)).toBe(true);
    for (const one of undo.splice(0)) one();
    expect(recording.runs().map(({ run }) => [run.status, run.endReason])).toEqual([['completed', 'ok'], ['completed', 'ok']]);
  });

  test('conversations that begin alike are told apart by the answer they repeat', async () => {
    let calls = 0;
    handlers[chatPath] = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer(`answer ${(calls += 1)}`));
    const recording = capture();
    const ask = async (messages: object[]): Promise<object> => {
      const answer = (await (await fetch(origin + chatPath, post(JSON.stringify({ model: 'm', messages })))).json()) as { choices: { message: object }[] };
      return answer.choices[0]!.message;
    };
    const start = [{ role: 'user', content: 'same' }];
    const first = await ask(start);
    const second = await ask(start);
    await ask([...start, first, { role: 'user', content: 'one' }]);
    await ask([...start, second, { role: 'user', content: 'two' }]);
    expect(recording.runs().map(({ steps }) => recording.messages(steps[1]!).at(-1))).toEqual([
      { role: 'user', content: 'one' },
      { role: 'user', content: 'two' },
    ]);
  });

  test('idle conversations are closed by the sweep, and so are bodies nobody reads', async () => {
    handlers[chatPath] = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatDelta({ content: 'unread' }));
    };
    const recording = createRecording();
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const record = recordingFetch(recording.recorder, undefined, { clock });
    const response = await record(origin + chatPath, post(chatBody('a', { stream: true })));
    const ledger = ledgerOf(recording.recorder);
    ledger.sweep();
    expect(recording.run().attempts[0]!.status).toBeNull();
    nowMs = 600_000;
    ledger.sweep();
    expect(recording.run().steps[0]!.status).toBe('interrupted');
    expect(recording.run().attempts[0]!.status).toBe('failed');
    expect(recording.run().run.status).toBe('running');
    nowMs += 300_000;
    ledger.sweep();
    expect(recording.run().run).toMatchObject({ status: 'failed', endReason: 'interrupted' });
    await response.body!.cancel();
  });
});

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
    for (const name of ['url', 'status', 'statusText', 'ok', 'redirected', 'type', 'bodyUsed'] as const) expect(seen[name]).toBe(plain[name]);
    const values = (response: Response): [string, string][] => [...response.headers].filter(([name]) => name !== 'date');
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
    expect(recording.runs().flatMap(({ attempts }) => attempts.map(({ status }) => status))).toEqual(Array(4).fill('completed'));
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
    expect(recording.runs().flatMap(({ attempts }) => attempts.map(({ status }) => status))).toEqual(['failed', 'failed', 'failed']);
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
    handlers['/d'] = (_request, response) => void response.writeHead(500, { 'content-type': 'text/plain' }).end('it broke');
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
    handlers['/e'] = (_request, response) => void response.writeHead(status, status === 200 ? { 'content-length': '99' } : {}).end();
    const { fetch: recorded, recording } = record();
    const response = await recorded(`${origin}/e`, { method });
    expect([response.status, response.body]).toEqual([status, null]);
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', responseStatus: status });
  });

  test('an answer of a foreign kind is handed through', async () => {
    const foreign = { status: 200, headers: new Map([['content-type', 'text/plain']]), body: { pipe: () => undefined }, text: async () => 'x' };
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
    const uninstall = createFetchCapture({ recorder: bad, hostList: '127.0.0.1', onError: (error) => void errors.push(error) }).install();
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

describe('with the SDK', () => {
  const both = (): Recording => {
    const recording = capture();
    undo.push(createAiSdkCapture({ recorder: recording.recorder }).install());
    return recording;
  };

  test('429, 429, 200 inside generateText: three attempts of one step, each with its wire truth', async () => {
    let tries = 0;
    handlers[chatPath] = (_request, response) => {
      tries += 1;
      if (tries < 3) response.writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '1' }).end('{"error":{"message":"slow","type":"t","code":"c","param":null}}');
      else response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'r3' }).end(chatAnswer('ok'));
    };
    const recording = both();
    const openai = createOpenAI({ baseURL: `${origin}/v1`, apiKey: 'sk-hidden-key-000000' });
    const { text } = await generateText({ model: openai.chat('gpt-9'), prompt: 'hello' });
    expect(text).toBe('ok');
    const { run, steps, attempts } = recording.run();
    expect(run.capture).toBe('ai-sdk');
    expect([steps.length, attempts.length]).toEqual([1, 3]);
    expect(attempts.map(({ responseStatus, status }) => [responseStatus, status])).toEqual([[429, 'failed'], [429, 'failed'], [200, 'completed']]);
    expect(attempts[2]).toMatchObject({ providerRequestId: 'r3', path: chatPath, method: 'POST' });
    expect(attempts.every(({ requestBody }) => requestBody !== null && requestBody.bytes! > 0)).toBe(true);
    expect(recording.everything()).not.toContain('sk-hidden');
  });

  test('a stream is one attempt with its bytes, and 64 at once stay apart', async () => {
    handlers['/v1/messages'] = (_request, response, body) => {
      const word = (JSON.parse(body) as { messages: { content: { text: string }[] }[] }).messages[0]!.content[0]!.text;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const events = [
        { type: 'message_start', message: { id: `msg_${word}`, type: 'message', role: 'assistant', model: 'claude-9', content: [], stop_reason: null, usage: { input_tokens: 3, output_tokens: 1 } } },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: `echo ${word}` } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
        { type: 'message_stop' },
      ];
      for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      response.end();
    };
    const recording = both();
    const anthropic = createAnthropic({ baseURL: `${origin}/v1`, apiKey: 'sk-hidden-key-000000' });
    await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const result = streamText({ model: anthropic('claude-9'), prompt: `w${index}` });
        let text = '';
        for await (const piece of result.textStream) text += piece;
        expect(text).toBe(`echo w${index}`);
      }),
    );
    await until(isSettled(recording));
    expect(recording.runs()).toHaveLength(64);
    for (const { steps, attempts } of recording.runs()) {
      expect([steps.length, attempts.length]).toEqual([1, 1]);
      const word = (recording.messages(steps[0]!)[0] as { content: { text: string }[] }).content[0]!.text;
      const { contentId } = attempts[0]!.responseBody!;
      expect(Buffer.from(recording.contents().find(({ id }) => id === contentId)!.bytes).toString()).toContain(`echo ${word}"`);
      expect(attempts[0]!.status).toBe('completed');
    }
  });

  test('the fetch option of a client alone is enough for raw steps', async () => {
    handlers[chatPath] = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('ok'));
    const recording = createRecording();
    const openai = createOpenAI({ baseURL: `${origin}/v1`, apiKey: 'sk-hidden-key-000000', fetch: recordingFetch(recording.recorder) });
    await generateText({ model: openai.chat('gpt-9'), prompt: 'hello', maxRetries: 0 });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(steps[0]).toMatchObject({ status: 'completed', model: 'gpt-9-served' });
  });
});
