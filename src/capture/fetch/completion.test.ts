import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { AttemptView } from '../../core/model/attempt.ts';
import { chatBody, chatDelta, chatPath, isSettled, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createUndoList } from '../../../test/playback/stage.ts';
import { createFetchCapture } from './index.ts';
import { chunk, head, openRawServer, rawClients } from './raw-server.fixture.ts';

// When an exchange is whole, over real sockets. The same rules as a pure machine: body/body-end.test.ts.

const server = await openRawServer();
const undo = createUndoList();
const json = { 'content-type': 'application/json' };
const chunked = { 'transfer-encoding': 'chunked' };
const eventStream = { 'content-type': 'text/event-stream', ...chunked };
const done = 'data: [DONE]\n\n';

describe.each(rawClients)('an exchange seen by $layer', ({ layer, send }) => {
  const capture = (): Recording => {
    const recording = createRecording();
    undo.push(
      createFetchCapture({
        recorder: recording.recorder,
        hostList: '127.0.0.1:*',
        layers: [layer],
        onError: (error) => void (recording.complaints as unknown[]).push(error),
      }).install(),
    );
    return recording;
  };

  /** The only attempt, once it has its end. */
  const ended = async (recording: Recording): Promise<AttemptView> => {
    await until(isSettled(recording));
    expect(recording.complaints).toEqual([]);
    return recording.run().attempts[0]!;
  };
  const post = (more: object = {}): ReturnType<typeof send> =>
    send(server.origin + chatPath, { body: chatBody('hi'), ...more });
  const statusOf = (recording: Recording): string => recording.run().steps[0]!.status;

  test('completed: read to its end, of no known length', async () => {
    server.answer = (socket) => void socket.end(head(200, { connection: 'close' }) + 'some words');
    const recording = capture();
    expect(await (await post()).read()).toBe('some words');
    expect(await ended(recording)).toMatchObject({ status: 'completed', responseStatus: 200, error: null });
  });

  test.each([
    [200, 'HEAD', { 'content-length': 99 }],
    [204, 'POST', {}],
    [304, 'POST', { 'content-length': 5 }],
  ])('completed: %i to %s has no body', async (status, method, headers) => {
    server.answer = (socket) => void socket.write(head(status, headers));
    const recording = capture();
    recording.recorder.startRun({ agentId: 'a' }).within(() => undefined);
    // Only model calls are recorded unasked: inside a model step every request is its attempt.
    const step = recording.recorder.startRun({ agentId: 'b' }).step({ kind: 'model' });
    step.attempt();
    const taken = await step.within(() =>
      send(server.origin + chatPath, { method, ...(method === 'POST' ? { body: '{}' } : {}) }),
    );
    await taken.read();
    await until(() => recording.runs()[1]!.attempts[0]!.status !== null);
    expect(recording.runs()[1]!.attempts[0]).toMatchObject({
      status: 'completed',
      responseStatus: status,
      responseBody: null,
    });
  });

  test('completed: an answer after informational ones', async () => {
    server.answer = (socket) =>
      void socket.write(head(103, { link: '</a>' }) + head(200, { ...json, 'content-length': 2 }) + '{}');
    const recording = capture();
    await (await post()).read();
    expect(await ended(recording)).toMatchObject({ status: 'completed', responseStatus: 200 });
  });

  test('completed: the known length is read, and then the reader leaves', async () => {
    server.answer = (socket) => void socket.write(head(200, { 'content-length': 5 }) + 'words');
    const recording = capture();
    const taken = await post();
    expect(await taken.read(5)).toBe('words');
    await taken.leave();
    expect(await ended(recording)).toMatchObject({ status: 'completed', responseBody: { bytes: 5, truncated: false } });
  });

  test('completed: of unknown length, one whole JSON document is read, and then the reader leaves', async () => {
    server.answer = (socket) =>
      void socket.write(head(200, { ...json, ...chunked }) + chunk('{"a":') + chunk('[1]}\n'));
    const recording = capture();
    const taken = await post();
    expect(await taken.read(10)).toBe('{"a":[1]}\n');
    await taken.leave();
    expect(await ended(recording)).toMatchObject({ status: 'completed' });
  });

  test('failed: closed early', async () => {
    server.answer = (socket) => void socket.write(head(200, { 'content-length': 500 }) + 'words');
    const recording = capture();
    const taken = await post();
    await taken.read(5);
    await taken.leave();
    expect(await ended(recording)).toMatchObject({ status: 'failed', retryClass: null, responseBody: { bytes: 5 } });
    expect(statusOf(recording)).toBe('interrupted');
  });

  test('failed: within a JSON document of unknown length', async () => {
    server.answer = (socket) => void socket.write(head(200, { ...json, ...chunked }) + chunk('{"a":[1]'));
    const recording = capture();
    const taken = await post();
    await taken.read(8);
    await taken.leave();
    expect(await ended(recording)).toMatchObject({ status: 'failed' });
  });

  test('failed: the end before the known length', async () => {
    server.answer = (socket) => void socket.end(head(200, { ...json, 'content-length': 500 }) + '{"a":1}');
    const recording = capture();
    await expect((await post()).read()).rejects.toThrow();
    const attempt = await ended(recording);
    expect(attempt).toMatchObject({
      status: 'failed',
      responseStatus: 200,
      retryClass: 'network',
      responseBody: { bytes: 7 },
    });
    expect(attempt.error!.message).not.toBe('');
    expect(statusOf(recording)).toBe('error');
  });

  test('failed: two JSON documents', async () => {
    server.answer = (socket) => void socket.end(head(200, { ...json, connection: 'close' }) + '{"a":1}{"b":2}');
    const recording = capture();
    expect(await (await post()).read()).toBe('{"a":1}{"b":2}');
    const attempt = await ended(recording);
    expect(attempt).toMatchObject({ status: 'failed' });
    expect(attempt.error!.message).toContain('two JSON documents');
  });

  test('failed: a read error', async () => {
    server.answer = (socket) => {
      socket.write(head(200, { ...json, ...chunked }) + chunk('{"a":'));
      setTimeout(() => socket.resetAndDestroy(), 20);
    };
    const recording = capture();
    await expect((await post()).read()).rejects.toThrow();
    expect(await ended(recording)).toMatchObject({ status: 'failed', responseStatus: 200, retryClass: 'network' });
  });

  test('failed: what comes is not HTTP', async () => {
    server.answer = (socket) => void socket.end(head(200, chunked) + 'zz\r\nno chunk\r\n');
    const recording = capture();
    await expect(post().then((taken) => taken.read())).rejects.toThrow();
    expect(await ended(recording)).toMatchObject({ status: 'failed' });
  });

  test('failed: the connection breaks before an answer', async () => {
    server.answer = (socket) => void socket.resetAndDestroy();
    const recording = capture();
    await expect(post()).rejects.toThrow();
    expect(await ended(recording)).toMatchObject({ status: 'failed', responseStatus: null, retryClass: 'network' });
  });

  test('failed: nobody is there', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => void gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const recording = capture();
    await expect(send(`http://127.0.0.1:${port}${chatPath}`, { body: chatBody('hi') })).rejects.toThrow();
    const attempt = await ended(recording);
    expect(attempt).toMatchObject({ status: 'failed', responseStatus: null, retryClass: 'network' });
    expect(JSON.stringify(attempt.error)).toContain('ECONNREFUSED');
  });

  test('failed: aborted before an answer, by the caller and not worth a retry', async () => {
    server.answer = () => undefined;
    const recording = capture();
    const controller = new AbortController();
    const sent = post({ signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    await expect(sent).rejects.toThrow();
    expect(await ended(recording)).toMatchObject({ status: 'failed', responseStatus: null, retryClass: null });
    expect(statusOf(recording)).toBe('interrupted');
  });

  test('an event stream is recorded at its end, though nobody closes it', async () => {
    server.answer = (socket) =>
      void socket.write(head(200, eventStream) + chunk(chatDelta({ content: 'yo' }, 'stop') + done) + chunk(''));
    const recording = capture();
    await (await post()).read();
    expect(await ended(recording)).toMatchObject({ status: 'completed' });
    expect(statusOf(recording)).toBe('completed');
  });

  test('an event stream whose last event was read is whole when its reader leaves', async () => {
    server.answer = (socket) =>
      void socket.write(head(200, eventStream) + chunk(chatDelta({ content: 'yo' }, 'stop') + done));
    const recording = capture();
    const taken = await post();
    await taken.read(chatDelta({ content: 'yo' }, 'stop').length + done.length);
    await taken.leave();
    expect(await ended(recording)).toMatchObject({ status: 'completed' });
    expect(statusOf(recording)).toBe('completed');
  });

  test('an event stream that breaks after its last event is a failed attempt of a completed step', async () => {
    server.answer = (socket) => {
      socket.write(head(200, eventStream) + chunk(chatDelta({ content: 'yo' }, 'stop') + done));
      setTimeout(() => socket.resetAndDestroy(), 20);
    };
    const recording = capture();
    await expect((await post()).read()).rejects.toThrow();
    const attempt = await ended(recording);
    expect(attempt).toMatchObject({ status: 'failed', responseStatus: 200 });
    expect(attempt.error).not.toBeNull();
    expect(statusOf(recording)).toBe('completed');
  });
});
