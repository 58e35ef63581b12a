import { channel } from 'node:diagnostics_channel';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Recording } from '../../../../test/playback/recording.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import { createUndoList } from '../../../../test/playback/stage.ts';
import { createContentDecoder } from '../body/content-decoder.ts';
import { createFetchCapture } from '../index.ts';

const undo = createUndoList();

function capture(): Recording {
  const recording = createRecording();
  const complaints = recording.complaints as unknown[];
  undo.push(
    createFetchCapture({
      recorder: recording.recorder,
      layers: ['channels'],
      onError: (error) => void complaints.push(error),
    }).install(),
  );
  return recording;
}

const publish = (name: string, message: object): void => channel(`undici:request:${name}`).publish(message);
const body = '{"model":"m","messages":[{"role":"user","content":"hi"}]}';
const client = (more: object = {}): object => ({
  method: 'POST',
  origin: 'https://api.openai.com',
  path: '/v1/chat/completions?x=1',
  headers: ['content-type', 'application/json', 'authorization', 'Bearer sk-hidden-key-000000'],
  body,
  ...more,
});
const head = (more: readonly string[] = []): object => ({
  statusCode: 200,
  headers: ['content-type', 'application/json', ...more].map((text) => Buffer.from(text)),
});
const answer = JSON.stringify({
  id: 'c',
  object: 'chat.completion',
  model: 'm1',
  choices: [{ index: 0, message: { content: 'yo' }, finish_reason: 'stop' }],
});

describe('the channels of a client', () => {
  test('a request with its body in memory is written before it leaves', () => {
    const recording = capture();
    publish('create', { request: client() });
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({
      status: 'in_progress',
      requestedModel: 'm',
      provider: 'openai',
      observedAfter: false,
    });
    expect(attempts[0]).toMatchObject({ status: null, url: 'https://api.openai.com/v1/chat/completions?x=1' });
  });

  test('a runtime that shows no body chunks still gives attempts, and says that bodies were not observable', () => {
    const recording = capture();
    const request = client();
    publish('create', { request });
    publish('bodySent', { request });
    publish('headers', { request, response: head(['content-length', '100', 'x-request-id', 'r']) });
    publish('trailers', { request, trailers: [] });
    const { steps, attempts } = recording.run();
    expect(attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200, providerRequestId: 'r' });
    expect(attempts[0]!.responseBody).toMatchObject({ contentId: null, withheld: 'not-observable' });
    expect(steps[0]).toMatchObject({ status: 'completed', usage: null });
  });

  test('headers as one text, as older clients have them, are understood', () => {
    const recording = capture();
    publish('create', { request: client({ headers: 'content-type: application/json\r\nx-a: b: c\r\n' }) });
    expect(recording.run().attempts[0]!.requestHeaders).toEqual({ 'content-type': 'application/json', 'x-a': 'b: c' });
  });

  test('a length that was not reached is a failure', () => {
    const recording = capture();
    const request = client();
    publish('create', { request });
    publish('headers', { request, response: head(['content-length', '1000']) });
    publish('bodyChunkReceived', { request, chunk: Buffer.from('{"a"') });
    publish('trailers', { request, trailers: [] });
    expect(recording.run().attempts[0]).toMatchObject({ status: 'failed' });
    expect(recording.run().attempts[0]!.error!.message).toContain('announced length');
  });

  test('an unknown encoding is counted and not read', () => {
    const recording = capture();
    const request = client();
    publish('create', { request });
    publish('headers', { request, response: head(['content-encoding', 'rot13']) });
    publish('bodyChunkReceived', { request, chunk: Buffer.from('{}{}') });
    publish('trailers', { request, trailers: [] });
    expect(recording.run().attempts[0]).toMatchObject({
      status: 'completed',
      responseBody: { withheld: 'not-observable' },
    });
  });

  test('answers are joined by the request, in whatever order and scope they come', async () => {
    const recording = capture();
    const requests = Array.from({ length: 20 }, (_, index) => client({ body: body.replace('hi', `hi ${index}`) }));
    await Promise.all(
      requests.map((request, index) =>
        recording.recorder.run({ agentId: `a${index}` }, () => publish('create', { request })),
      ),
    );
    await recording.recorder.run({ agentId: 'stranger' }, () => {
      for (const request of [...requests].reverse()) {
        publish('headers', { request, response: head() });
        publish('bodyChunkReceived', {
          request,
          chunk: Buffer.from(answer.replace('yo', `yo ${requests.indexOf(request)}`)),
        });
        publish('trailers', { request, trailers: [] });
      }
    });
    const runs = recording.runs();
    expect(runs.at(-1)!.steps).toEqual([]);
    for (const [index, { run, steps }] of runs.slice(0, -1).entries()) {
      expect(run.agentId).toBe(`a${index}`);
      expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: `yo ${index}` }]);
    }
  });

  test('a body that is only seen on its way out is recorded in the scope of the request', async () => {
    const recording = capture();
    const request = client({ body: { async *[Symbol.asyncIterator]() {} } });
    recording.recorder.startRun({ agentId: 'asker' }).within(() => publish('create', { request }));
    expect(recording.run().steps).toEqual([]);
    await recording.recorder.run({ agentId: 'stranger' }, () => {
      publish('bodyChunkSent', { request, chunk: Buffer.from(body.slice(0, 20)) });
      publish('bodyChunkSent', { request, chunk: body.slice(20) });
      publish('bodySent', { request });
    });
    const [asker, stranger] = recording.runs();
    expect(stranger!.steps).toEqual([]);
    expect(asker!.steps[0]).toMatchObject({ requestedModel: 'm', observedAfter: true });
    expect(recording.messages(asker!.steps[0]!)).toEqual([{ role: 'user', content: 'hi' }]);
  });

  test('malformed messages are reported and never thrown', () => {
    const recording = capture();
    for (const message of [{}, { request: null }, { request: 1 }, { request: { origin: {}, path: 1 } }]) {
      for (const name of ['create', 'bodySent', 'headers', 'bodyChunkSent', 'bodyChunkReceived', 'trailers', 'error'])
        publish(name, message);
    }
    const request = client();
    publish('create', { request });
    publish('headers', { request });
    publish('error', { request });
    expect(recording.run().attempts[0]!.status).toBe('failed');
  });
});

describe('content decoding', () => {
  const words = Buffer.from('{"a":"'.padEnd(100_000, 'Grüße ') + '"}');

  const decode = async (encoding: string, bytes: Uint8Array, size = 1000): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    const decoder = createContentDecoder(encoding, (chunk) => void chunks.push(chunk))!;
    for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.subarray(at, at + size));
    await new Promise<void>((resolve) => decoder.end(resolve));
    return Buffer.concat(chunks);
  };
  const packed = {
    gzip: gzipSync(words),
    deflate: deflateSync(words),
    br: brotliCompressSync(words),
    zstd: zstdCompressSync(words),
  };

  test.each(Object.entries(packed))('%s', async (encoding, bytes) => {
    expect((await decode(encoding, bytes)).equals(words)).toBe(true);
    const cut = await decode(encoding, bytes.subarray(0, bytes.length - 20));
    expect(words.subarray(0, cut.length).equals(cut)).toBe(true);
  });

  test('damage ends the reading and throws nothing', async () => {
    const bytes = Buffer.from(packed.gzip);
    bytes.fill(7, bytes.length / 2, bytes.length / 2 + 40);
    expect((await decode('gzip', bytes)).length).toBeLessThanOrEqual(words.length);
    expect((await decode('gzip', Buffer.from('no gzip at all'))).length).toBe(0);
    expect(createContentDecoder('rot13', () => undefined)).toBeNull();
  });

  test('a bomb is bounded', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect((await decode('gzip', bomb)).length).toBeLessThanOrEqual(32 * 1024 * 1024);
  });
});
