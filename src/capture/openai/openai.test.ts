import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { corpusFolder, hasCorpus } from '../../../test/playback/corpus.ts';
import { isSettled, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Answer, PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import { createUndoList } from '../../../test/playback/stage.ts';
import { createFetchCapture, ledgerOf } from '../fetch/index.ts';
import { openaiFetch } from './index.ts';

let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());
const undo = createUndoList();

const file = (name: string): Answer => ({ file: join(corpusFolder, name) });
const whole = file('groq/groq-text.json');
const streamed = file('openai/chat/azure-model-router.1.chunks.txt');
const asked = { model: 'gpt-9', messages: [{ role: 'user' as const, content: 'hello' }] };
const busy = (waitMs: number): Answer => ({
  status: 429,
  body: { error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null } },
  headers: { 'retry-after-ms': String(waitMs), 'x-request-id': 'req_busy' },
});

interface Stage {
  readonly recording: Recording;
  readonly client: OpenAI;
  readonly baseURL: string;
}

function stage(answers: readonly Answer[], more: object = {}): Stage {
  const recording = createRecording();
  const baseURL = server.script(answers);
  const client = new OpenAI({
    baseURL,
    apiKey: 'sk-hidden-key-000000',
    fetch: openaiFetch(recording.recorder),
    ...more,
  });
  return { recording, client, baseURL };
}

describe.skipIf(!hasCorpus)('the fetch option of the OpenAI client', () => {
  test('a call is a run of its own, with one step and one attempt', async () => {
    const { recording, client, baseURL } = stage([whole]);
    const { data, request_id: requestId } = await client.chat.completions.create(asked).withResponse();
    await until(isSettled(recording));
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ agentId: 'openai', capture: 'openai', model: data.model, status: 'running' });
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(steps[0]).toMatchObject({
      kind: 'model',
      operation: 'generate',
      provider: 'openai',
      status: 'completed',
      providerResponseId: data.id,
      usage: { input: { total: data.usage!.prompt_tokens }, output: { total: data.usage!.completion_tokens } },
    });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: data.choices[0]!.message.content }]);
    expect(attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200, providerRequestId: requestId });
    expect(recording.content(attempts[0]!.requestBody!.contentId)).toEqual(
      JSON.parse(server.requests(baseURL)[0]!.body),
    );
    expect(recording.everything()).not.toContain('sk-hidden');
    ledgerOf(recording.recorder).closeAll();
    expect(recording.run().run).toMatchObject({ status: 'completed', endReason: 'ok' });
    expect(recording.complaints).toEqual([]);
  });

  test('429, 429, 200 is one step with three attempts', async () => {
    const { recording, client, baseURL } = stage([busy(3), busy(4), whole]);
    await client.chat.completions.create(asked);
    await until(isSettled(recording));
    const { run, steps, attempts } = recording.run();
    expect([steps.length, steps[0]!.status, steps[0]!.error]).toEqual([1, 'completed', null]);
    expect(
      attempts.map((one) => [
        one.number,
        one.status,
        one.responseStatus,
        one.retryClass,
        one.retryDelayMs,
        one.providerRequestId,
      ]),
    ).toEqual([
      [1, 'failed', 429, 'rate-limit', 3, 'req_busy'],
      [2, 'failed', 429, 'rate-limit', 4, 'req_busy'],
      [3, 'completed', 200, null, null, 'req_playback'],
    ]);
    // The client throws the words of a refusal away when it tries again; the record keeps them.
    expect(attempts[0]!.error).toMatchObject({ message: 'slow down', name: 'rate_limit_error', status: 429 });
    expect(server.requests(baseURL).map(({ headers }) => headers['x-stainless-retry-count'])).toEqual(['0', '1', '2']);
    expect(attempts.map(({ requestHeaders }) => requestHeaders!['x-stainless-retry-count'])).toEqual(['0', '1', '2']);
    expect(run.counts).toMatchObject({ steps: 1, attempts: 3, errors: 0 });
  });

  test('the same words again are a call of their own, also when the one before had failed for good', async () => {
    const { recording, client } = stage([busy(1), busy(1), whole], { maxRetries: 1 });
    await expect(client.chat.completions.create(asked)).rejects.toThrow('slow down');
    await client.chat.completions.create(asked);
    await until(isSettled(recording));
    const all = recording.runs().map(({ steps, attempts }) => [steps.map(({ status }) => status), attempts.length]);
    expect(all).toEqual([
      [['error'], 2],
      [['completed'], 1],
    ]);
  });

  test('two calls of the same words at once keep their tries apart', async () => {
    const { recording, client } = stage([busy(5), busy(5), whole, whole]);
    await recording.recorder.run({ agentId: 'pair' }, () =>
      Promise.all([client.chat.completions.create(asked), client.chat.completions.create(asked)]),
    );
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps.map(({ status }) => status)).toEqual(['completed', 'completed']);
    for (const { id } of steps) {
      const own = attempts.filter(({ stepId }) => stepId === id);
      expect(
        own.map(({ responseStatus, requestHeaders }) => [responseStatus, requestHeaders!['x-stainless-retry-count']]),
      ).toEqual([
        [429, '0'],
        [200, '1'],
      ]);
    }
  });

  test('a try that met the deadline of its client is tried again in the same step', async () => {
    const { recording, client } = stage([whole]);
    const slow: typeof fetch = async (input, init) => {
      if (new Headers(init?.headers).get('x-stainless-retry-count') !== '0') return fetch(input, init);
      return new Promise((_resolve, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error));
      });
    };
    const patient = client.withOptions({ fetch: openaiFetch(recording.recorder, { fetch: slow }) });
    await patient.chat.completions.create(asked, { timeout: 1000 });
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps.map(({ status }) => status)).toEqual(['completed']);
    expect(attempts.map(({ status, retryClass }) => [status, retryClass])).toEqual([
      ['failed', 'timeout'],
      ['completed', null],
    ]);
    // Where nobody named a wait, it is the one that was observed.
    expect(attempts[0]!.retryDelayMs).toBeGreaterThan(0);
  });

  test('a stream', async () => {
    const { recording, client } = stage([streamed]);
    let text = '';
    for await (const piece of await client.chat.completions.create({ ...asked, stream: true }))
      text += piece.choices[0]?.delta?.content ?? '';
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ operation: 'stream', status: 'completed', finishReason: { unified: 'stop' } });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text }]);
    expect(steps[0]!.timeToFirstTokenMs).not.toBeNull();
    expect(attempts[0]).toMatchObject({ status: 'completed' });
  });

  test('a stream that its reader leaves is interrupted and keeps what came', async () => {
    const { recording, client } = stage([{ ...streamed, stallAfterLines: 6 }]);
    let text = '';
    for await (const piece of await client.chat.completions.create({ ...asked, stream: true })) {
      text += piece.choices[0]?.delta?.content ?? '';
      if (text.length > 0) break;
    }
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect((recording.content(steps[0]!.responseId) as { text: string }[])[0]!.text.startsWith(text)).toBe(true);
    expect(attempts[0]).toMatchObject({ status: 'failed', retryClass: null });
  });

  test('a stream aborted that nobody reads is interrupted', async () => {
    const { recording, client } = stage([{ ...streamed, stallAfterLines: 4 }]);
    const stream = await client.chat.completions.create({ ...asked, stream: true });
    stream.controller.abort();
    await until(isSettled(recording));
    expect(recording.run().steps[0]).toMatchObject({ status: 'interrupted', usage: null });
  });

  test('an error that is not tried again', async () => {
    const refusal = { status: 400, body: { error: { message: 'no such model', type: 'invalid_request_error' } } };
    const { recording, client } = stage([refusal]);
    await expect(client.chat.completions.create(asked)).rejects.toMatchObject({ status: 400 });
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'error', error: { message: 'no such model', status: 400 } });
    expect(attempts).toHaveLength(1);
    expect(attempts[0]).toMatchObject({ status: 'failed', retryClass: null, responseStatus: 400 });
  });

  test('a call that extends an earlier one joins its run, one in a run stays there', async () => {
    const { recording, client } = stage([whole]);
    const first = await client.chat.completions.create(asked);
    const more = [...asked.messages, first.choices[0]!.message, { role: 'user' as const, content: 'and then?' }];
    await client.chat.completions.create({ ...asked, messages: more });
    await recording.recorder.run({ agentId: 'own' }, () => client.chat.completions.create(asked));
    await until(isSettled(recording));
    expect(recording.runs().map(({ run, steps }) => [run.agentId, steps.length])).toEqual([
      ['openai', 2],
      ['own', 1],
    ]);
  });

  test('the responses API, and nothing but model calls', async () => {
    const { recording, client } = stage([file('openai/responses/openai-mcp-tool.1.json')]);
    const response = await client.responses.create({ model: 'gpt-9', input: 'hello' });
    await client.responses.retrieve('resp_1');
    await client.models.list();
    await until(isSettled(recording));
    const { steps } = recording.run();
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', providerResponseId: response.id });
  });

  test('with the capture of the process beside it, nothing is counted twice', async () => {
    const { recording, client } = stage([busy(1), whole]);
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '127.0.0.1:*' }).install());
    await client.chat.completions.create(asked);
    await until(isSettled(recording));
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 2]);
  });
});

test('a recorder that records nothing gives the fetch back', () => {
  const { recorder } = createRecording();
  const given = (async () => new Response()) as typeof fetch;
  expect(openaiFetch({ ...recorder, recording: false }, { fetch: given })).toBe(given);
});
