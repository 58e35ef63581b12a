import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatDelta, chatPath, isSettled, post, until } from '../../../test/playback/loopback.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import { createFetchCapture } from './index.ts';

const { origin, handlers, capture, undo } = await openHttpStage();

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
    expect(steps[0]!.usage).toMatchObject({
      input: { total: 9, noCache: 5, cacheRead: 4, cacheWrite: null },
      output: { total: 3, reasoning: null },
      requests: 1,
    });
    expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: 'hello' }]);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'hi' }]);
    expect(attempts).toHaveLength(1);
    expect(attempts[0]).toMatchObject({
      status: 'completed',
      responseStatus: 200,
      method: 'POST',
      path: chatPath,
      providerRequestId: 'req_7',
      retryClass: null,
    });
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
      response.write(
        chatDelta({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '{"a"' } }] }),
      );
      response.write(chatDelta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }));
      response.write(chatDelta({}, 'tool_calls'));
      response.end(`data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n`);
    };
    const recording = capture(layers);
    await (await fetch(origin + chatPath, post(chatBody('a', { stream: true })))).text();
    await until(isSettled(recording));
    const step = recording.run().steps[0]!;
    expect(step).toMatchObject({
      status: 'completed',
      operation: 'stream',
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
    });
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
    const response = await fetch(origin + chatPath, {
      ...post(chatBody('a', { stream: true })),
      signal: controller.signal,
    });
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
    handlers['/old/v1/chat/completions'] = (_request, response) =>
      void response.writeHead(307, { location: chatPath }).end();
    handlers[chatPath] = (_request, response, body) => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      setTimeout(
        () => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(chatAnswer(`answer ${messages[0]!.content}`));
        },
        Number(messages[0]!.content) % 17,
      );
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
    await until(isSettled({ runs: () => recording.runs().filter(({ run }) => run.agentId !== 'fan') }));
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
      if (tries < 3)
        response
          .writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '3' })
          .end('{"error":{"message":"slow down","type":"rate_limit_error"}}');
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
    expect(
      attempts.map((attempt) => [
        attempt.number,
        attempt.status,
        attempt.responseStatus,
        attempt.retryClass,
        attempt.retryDelayMs,
      ]),
    ).toEqual([
      [1, 'failed', 429, 'rate-limit', 3],
      [2, 'failed', 429, 'rate-limit', 3],
      [3, 'completed', 200, null, null],
    ]);
    expect(attempts[0]!.error).toMatchObject({
      name: 'rate_limit_error',
      message: 'slow down',
      status: 429,
      isRetryable: true,
    });
    expect(run.counts).toMatchObject({ steps: 1, attempts: 3, errors: 0 });
  });

  test('to a host that is not listed is not recorded', async () => {
    handlers[chatPath] = (_request, response) => void response.end('{}');
    const recording = createRecording();
    undo.push(
      createFetchCapture({
        recorder: recording.recorder,
        hostList: '',
        ...(layers === undefined ? {} : { layers }),
      }).install(),
    );
    await (await fetch(origin + chatPath, post(chatBody('a')))).text();
    expect(recording.runs()).toEqual([]);
  });
});
