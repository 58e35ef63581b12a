import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpusFolder, hasCorpus } from '../../../test/playback/corpus.ts';
import { isSettled, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Answer, PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import { createUndoList } from '../../../test/playback/stage.ts';
import { createFetchCapture } from '../fetch/index.ts';
import { anthropicMiddleware } from './index.ts';

let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());
const undo = createUndoList();

const file = (name: string): Answer => ({
  file: join(corpusFolder, name),
  headers: { 'x-request-id': '', 'request-id': 'req_011' },
});
const whole = file('anthropic/anthropic-text.json');
const streamed = file('anthropic/anthropic-json-output-format.1.chunks.txt');
const asked = { model: 'claude-9', max_tokens: 50, messages: [{ role: 'user' as const, content: 'hello' }] };
const busy = (waitMs: number): Answer => ({
  status: 429,
  body: { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' }, request_id: 'req_body' },
  headers: { 'retry-after-ms': String(waitMs), 'request-id': 'req_busy' },
});

interface Stage {
  readonly recording: Recording;
  readonly client: Anthropic;
  readonly baseURL: string;
}

function stage(answers: readonly Answer[], more: object = {}): Stage {
  const recording = createRecording();
  const baseURL = server.script(answers);
  const middleware = [anthropicMiddleware(recording.recorder)];
  const client = new Anthropic({ baseURL, apiKey: 'sk-ant-hidden-key-0000', middleware, ...more });
  return { recording, client, baseURL };
}

describe.skipIf(!hasCorpus)('the middleware of the Anthropic client', () => {
  test('a call is a run of its own, with one step and one attempt', async () => {
    const { recording, client, baseURL } = stage([whole]);
    const message = await client.messages.create(asked);
    await until(isSettled(recording));
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ agentId: 'anthropic', capture: 'anthropic', model: message.model });
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(steps[0]).toMatchObject({
      provider: 'anthropic',
      status: 'completed',
      providerResponseId: message.id,
      finishReason: { raw: message.stop_reason },
      usage: { input: { noCache: message.usage.input_tokens }, output: { total: message.usage.output_tokens } },
    });
    expect(attempts[0]).toMatchObject({
      status: 'completed',
      responseStatus: 200,
      path: expect.stringMatching(/\/v1\/messages$/),
    });
    expect(recording.content(attempts[0]!.requestBody!.contentId)).toEqual(
      JSON.parse(server.requests(baseURL)[0]!.body),
    );
    expect(recording.everything()).not.toContain('sk-ant-hidden');
    expect(recording.complaints).toEqual([]);
  });

  test('429, 429, 200 is one step with three attempts', async () => {
    const { recording, client, baseURL } = stage([busy(3), busy(4), whole]);
    await client.messages.create(asked);
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect([steps.length, steps[0]!.status, steps[0]!.error]).toEqual([1, 'completed', null]);
    expect(
      attempts.map((one) => [one.number, one.status, one.responseStatus, one.retryClass, one.retryDelayMs]),
    ).toEqual([
      [1, 'failed', 429, 'rate-limit', 3],
      [2, 'failed', 429, 'rate-limit', 4],
      [3, 'completed', 200, null, null],
    ]);
    expect(attempts[0]!.error).toMatchObject({ message: 'slow down', name: 'rate_limit_error' });
    expect(attempts.map(({ requestHeaders }) => requestHeaders!['x-stainless-retry-count'])).toEqual(['0', '1', '2']);
    expect(server.requests(baseURL)).toHaveLength(3);
  });

  test('calls of the same words at once keep their tries apart, however their waits cross', async () => {
    const { recording, client } = stage([busy(60), busy(5), whole, whole]);
    const ask = (call: string): Promise<unknown> => client.messages.create(asked, { headers: { 'x-call': call } });
    await recording.recorder.run({ agentId: 'pair' }, () => Promise.all([ask('first'), ask('second')]));
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps.map(({ status }) => status)).toEqual(['completed', 'completed']);
    for (const { id } of steps) {
      const own = attempts.filter(({ stepId }) => stepId === id);
      expect(own.map(({ responseStatus }) => responseStatus)).toEqual([429, 200]);
      expect(new Set(own.map(({ requestHeaders }) => requestHeaders!['x-call'])).size).toBe(1);
    }
  });

  test('a transport error is tried again in the same step, its identity kept', async () => {
    const gone = new TypeError('fetch failed');
    let tries = 0;
    const flaky: typeof fetch = async (input, init) => {
      tries += 1;
      if (tries < 2) throw gone;
      return fetch(input, init);
    };
    const { recording, client } = stage([whole], { fetch: flaky });
    await client.messages.create(asked);
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps.map(({ status }) => status)).toEqual(['completed']);
    expect(attempts.map(({ status, retryClass }) => [status, retryClass])).toEqual([
      ['failed', 'network'],
      ['completed', null],
    ]);
    // The client takes its word from the error itself whether a try failed on the way or in a middleware.
    tries = 0;
    await expect(client.messages.create(asked, { maxRetries: 0 })).rejects.toMatchObject({ cause: gone });
  });

  test('a stream', async () => {
    const { recording, client } = stage([streamed]);
    const stream = client.messages.stream(asked);
    const message = await stream.finalMessage();
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({
      operation: 'stream',
      status: 'completed',
      finishReason: { raw: message.stop_reason },
    });
    expect(steps[0]!.usage!.output.total).toBe(message.usage.output_tokens);
    expect(attempts[0]).toMatchObject({ status: 'completed', providerRequestId: stream.request_id });
  });

  test('a stream aborted half-way is interrupted and keeps what came', async () => {
    const { recording, client } = stage([{ ...streamed, stallAfterLines: 6 }]);
    const stream = client.messages.stream(asked);
    stream.on('text', () => stream.abort());
    await expect(stream.finalMessage()).rejects.toThrow('aborted');
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(steps[0]!.responseId).not.toBeNull();
    expect(attempts[0]).toMatchObject({ status: 'failed', retryClass: null, responseStatus: 200 });
  });

  test('an error that is not tried again, and its id out of its words', async () => {
    const refusal = {
      status: 400,
      body: { type: 'error', error: { type: 'invalid_request_error', message: 'too long' }, request_id: 'req_words' },
      headers: { 'x-request-id': '' },
    };
    const { recording, client } = stage([refusal]);
    await expect(client.messages.create(asked)).rejects.toMatchObject({ status: 400 });
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'error', error: { name: 'invalid_request_error', message: 'too long' } });
    expect(attempts).toHaveLength(1);
    expect(attempts[0]).toMatchObject({ providerRequestId: 'req_words', retryClass: null });
  });

  test('other middleware sees the answer as ever', async () => {
    const recording = createRecording();
    const seen: unknown[] = [];
    const client = new Anthropic({
      baseURL: server.script([whole]),
      apiKey: 'sk-ant-hidden-key-0000',
      middleware: [
        async (request, next, context) => {
          const response = await next(request);
          seen.push(response.url, await context.parse(response));
          return response;
        },
        anthropicMiddleware(recording.recorder),
      ],
    });
    const message = await client.messages.create(asked);
    expect(seen).toEqual([expect.stringMatching(/\/v1\/messages$/), message]);
    await until(isSettled(recording));
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed' });
  });

  test('a call in a run stays there, token counts and lists are none, and nothing is counted twice', async () => {
    const { recording, client } = stage([whole]);
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '127.0.0.1:*' }).install());
    await recording.recorder.run({ agentId: 'own' }, async () => {
      await client.messages.create(asked);
      await client.messages.countTokens(asked);
      await client.models.list();
    });
    await until(isSettled(recording));
    const { run, steps, attempts } = recording.run();
    expect([run.agentId, steps.length, attempts.length]).toEqual(['own', 1, 1]);
  });
});
