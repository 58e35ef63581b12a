import { describe, expect, test } from 'vitest';
import type { Recording } from '../../test/playback/recording.ts';
import { createRecording } from '../../test/playback/recording.ts';
import type { HttpReplayOptions, HttpRequest } from './index.ts';
import { createHttpReplay, entriesToRun } from './index.ts';

interface RoundTrip {
  readonly url?: string;
  readonly asks: unknown;
  readonly status?: number;
  readonly says: string | null;
  readonly truncated?: boolean;
}

/** Records steps of round trips in one run. */
function recordSteps(recording: Recording, steps: readonly (readonly RoundTrip[])[]): void {
  const run = recording.recorder.startRun({ agentId: 'a' });
  for (const trips of steps) {
    const step = run.step({ kind: 'model', operation: 'generate' });
    for (const { url = 'https://api.test/v1/chat', asks, status = 200, says, truncated } of trips) {
      const contentType = 'application/json';
      const attempt = step.attempt({
        method: 'POST',
        url,
        headers: { 'content-type': contentType },
        body: { data: JSON.stringify(asks), contentType },
      });
      if (says === null) attempt.finish({ status: 'failed', error: new Error('connection reset') });
      else
        attempt.finish({
          status: status < 400 ? 'completed' : 'failed',
          responseStatus: status,
          headers: { 'content-type': contentType, 'content-length': '5', 'set-cookie': 'session=abcdef0123456789' },
          body: { data: says, contentType, ...(truncated === true ? { truncated, bytes: 90_000 } : {}) },
        });
    }
    step.finish({ status: 'completed' });
  }
  run.close({ endReason: 'ok' });
}

function replayOf(steps: readonly (readonly RoundTrip[])[], options: HttpReplayOptions = {}) {
  const recording = createRecording();
  recordSteps(recording, steps);
  return createHttpReplay([entriesToRun('default', recording.journal.entries)], options);
}

const ask = (body: unknown, url = 'http://elsewhere:8080/v1/chat'): HttpRequest => ({
  method: 'POST',
  url,
  contentType: 'application/json',
  body: JSON.stringify(body),
});

const secret =
  'sk-ant-api03-aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3kL5mN7pQ-AAAAAA';

describe('recorded round trips', () => {
  test('are answered byte for byte, retries in their order, wherever the host is', async () => {
    const replay = replayOf([
      [
        { asks: { q: 1 }, status: 429, says: '{"slow":1}' },
        { asks: { q: 1 }, says: ' {"a": 1}\n' },
      ],
    ]);
    expect(await replay.answer(ask({ q: 1 }))).toMatchObject({ kind: 'answer', status: 429, body: '{"slow":1}' });
    expect(replay.verdict()).toMatchObject({ code: 'replay-diverged' });
    const second = await replay.answer(ask({ q: 1 }));
    expect(second).toMatchObject({ status: 200, body: ' {"a": 1}\n', isCut: false });
    expect(second).toMatchObject({ headers: { 'content-type': 'application/json' } });
    expect(Object.keys((second as { headers: object }).headers)).toEqual(['content-type']);
    expect(replay.verdict()).toBeNull();
    expect([replay.answered, replay.total, replay.hosts]).toEqual([2, 2, ['api.test']]);
  });

  test('that were made side by side may come in another order', async () => {
    const replay = replayOf([[{ asks: { q: 1 }, says: '1' }], [{ asks: { q: 2 }, says: '2' }]]);
    expect(await replay.answer(ask({ q: 2 }))).toMatchObject({ body: '2' });
    expect(await replay.answer(ask({ q: 1 }))).toMatchObject({ body: '1' });
  });

  test('are compared without their secrets, in bodies and in addresses', async () => {
    const url = 'https://api.test/v1/models/m:generate?key=AIzaSyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v';
    const replay = replayOf([[{ url, asks: { apiKey: 'one-secret-value-9f8e7d', note: `use ${secret}` }, says: '1' }]]);
    const other = 'https://else.test/v1/models/m:generate?key=AIzaSyZ9yX8wV7uT6sR5qP4oN3mL2kJ1iH0gF9e';
    const body = { apiKey: 'another-secret-value-1a2b', note: `use ${secret.replace('aB3', 'zZ9')}` };
    expect(await replay.answer(ask(body, other))).toMatchObject({ body: '1' });
  });

  test('a request that differs is told with its place, and every later one fails the same', async () => {
    const replay = replayOf([[{ asks: { q: 1, list: ['a', 'b'] }, says: '1' }]]);
    const differs = replay.answer(ask({ q: 1, list: ['a', 'c'] }));
    await expect(differs).rejects.toThrow(
      /at step 1: the request POST \/v1\/chat differs\.\n {2}at list\[1\]\n {6}- b\n {6}\+ c/,
    );
    await expect(replay.answer(ask({ q: 1, list: ['a', 'b'] }))).rejects.toThrow(/list\[1\]/);
    expect(replay.verdict()!.message).toContain('list[1]');
  });

  test('one request too many is told of', async () => {
    const replay = replayOf([[{ asks: { q: 1 }, says: '1' }]]);
    await replay.answer(ask({ q: 1 }));
    await expect(replay.answer(ask({ q: 2 }))).rejects.toThrow(/no recorded request left/);
  });

  test('a connection that broke breaks again', async () => {
    const replay = replayOf([[{ asks: { q: 1 }, says: null }]]);
    expect(await replay.answer(ask({ q: 1 }))).toMatchObject({ kind: 'broken', stepNumber: 1 });
  });
});

describe('what was not recorded word for word', () => {
  test('a redacted answer stops, unless a stand-in is given', async () => {
    const steps = [[{ asks: { q: 1 }, says: JSON.stringify({ text: `the key ${secret}` }) }]];
    await expect(replayOf(steps).answer(ask({ q: 1 }))).rejects.toMatchObject({
      code: 'replay-not-recorded',
      message: expect.stringMatching(/^Step 1 of run .* its response body was redacted/) as unknown,
    });
    const given = replayOf(steps, { bodyByStep: new Map([[1, '{"text":"the key"}']]) });
    expect(await given.answer(ask({ q: 1 }))).toMatchObject({ body: '{"text":"the key"}' });
  });

  test('an answer cut at the limit says how much was kept', async () => {
    const replay = replayOf([[{ asks: { q: 1 }, says: '{"a":', truncated: true }]]);
    await expect(replay.answer(ask({ q: 1 }))).rejects.toThrow(/was cut at the recorder’s limit: .* of 90000 bytes/);
  });
});

test('a stream of chat completions longer than the limit is made anew from what it amounted to', async () => {
  const recording = createRecording();
  const run = recording.recorder.startRun({ agentId: 'a' });
  const step = run.step({ kind: 'model', operation: 'stream' });
  const head = { id: 'c1', object: 'chat.completion.chunk', created: 7, model: 'm-1' };
  const chunk = { ...head, choices: [{ index: 0, delta: { content: 'One ' }, finish_reason: null }], usage: null };
  const contentType = 'text/event-stream';
  step.attempt({ method: 'POST', url: 'https://api.test/v1/chat' }).finish({
    status: 'completed',
    responseStatus: 200,
    headers: { 'content-type': contentType },
    body: {
      data: `: waiting\n\ndata: ${JSON.stringify(chunk)}\n\ndata: {"id":`,
      contentType,
      truncated: true,
      bytes: 99_000,
    },
  });
  step.finish({
    status: 'completed',
    finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
    usageRaw: { prompt_tokens: 3 },
    response: [
      { type: 'text', text: 'One two three' },
      { type: 'tool-call', toolCallId: 't1', toolName: 'look', input: '{"q":1}' },
    ],
  });
  run.close({ endReason: 'ok' });
  const replay = createHttpReplay([entriesToRun('default', recording.journal.entries)]);
  const answer = await replay.answer(ask({ q: 1 }));
  const body = answer.kind === 'answer' ? answer.body : '';
  const events = body.split('\n\n').filter((event) => event.startsWith('data: {'));
  type Chunk = {
    id: string;
    choices: { delta: { content?: string; tool_calls?: object[] }; finish_reason: string | null }[];
    usage?: object;
  };
  const chunks = events.map((event) => JSON.parse(event.slice(6)) as Chunk);
  expect(chunks.every(({ id }) => id === 'c1')).toBe(true);
  expect(chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? []).join('')).toBe('One two three');
  expect(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])).toEqual([
    { index: 0, id: 't1', type: 'function', function: { name: 'look', arguments: '{"q":1}' } },
  ]);
  expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('tool_calls');
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3 } });
  expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
  expect(replay.remade).toBe(1);
});

test('from a step on the program runs live', async () => {
  const replay = replayOf([[{ asks: { q: 1 }, says: '1' }], [{ asks: { q: 2 }, says: '2' }]], { liveFrom: 2 });
  expect(replay.total).toBe(1);
  expect(await replay.answer(ask({ q: 1 }))).toMatchObject({ body: '1' });
  expect(await replay.answer(ask({ q: 99 }))).toEqual({ kind: 'live' });
  expect(replay.verdict()).toBeNull();
});
