import { describe, expect, test } from 'vitest';
import type { StepView } from '../../core/model/step.ts';
import { chatBody, chatDelta, chatPath, isSettled, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createUndoList } from '../../../test/playback/stage.ts';
import { createFetchCapture } from './index.ts';
import { chunk, head, openRawServer, rawClients } from './raw-server.fixture.ts';

// The table of stream situations, as far as a call that only HTTP knows of can meet them.

const server = await openRawServer();
const undo = createUndoList();
const begin = head(200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' });
const words = [
  chatDelta({ reasoning_content: 'let me ' }),
  chatDelta({ reasoning_content: 'see' }),
  chatDelta({ content: 'ha' }),
  chatDelta({ content: 'lf' }),
  chatDelta({ tool_calls: [{ index: 0, id: 'call_1', function: { name: 'f', arguments: '{"a":' } }] }),
].join('');
const finish = chatDelta({}, 'stop');
const usage = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n';
const partial = [
  { type: 'reasoning', text: 'let me see' },
  { type: 'text', text: 'half' },
  { type: 'tool-call', toolCallId: 'call_1', toolName: 'f', input: '{"a":' },
];

describe.each(rawClients)('a stream seen by $layer', ({ layer, send }) => {
  const capture = (): Recording => {
    const recording = createRecording();
    undo.push(createFetchCapture({ recorder: recording.recorder, hostList: '127.0.0.1:*', layers: [layer] }).install());
    return recording;
  };
  const ask = (signal?: AbortSignal): ReturnType<typeof send> =>
    send(server.origin + chatPath, {
      body: chatBody('hi', { stream: true }),
      ...(signal === undefined ? {} : { signal }),
    });
  const ended = async (recording: Recording): Promise<StepView> => {
    await until(isSettled(recording));
    return recording.run().steps[0]!;
  };

  test('finish part seen and read to the end: completed', async () => {
    server.answer = (socket) => void socket.write(begin + chunk(words + finish + usage) + chunk(''));
    const recording = capture();
    await (await ask()).read();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'completed', finishReason: { raw: 'stop' } });
    expect(step.usage).toMatchObject({ input: { total: 7 }, output: { total: 3 } });
    expect(recording.content(step.responseId)).toEqual(partial);
  });

  test('left after the finish part: completed', async () => {
    server.answer = (socket) => void socket.write(begin + chunk(words + finish + usage));
    const recording = capture();
    const taken = await ask();
    await taken.read((words + finish + usage).length);
    await taken.leave();
    expect(await ended(recording)).toMatchObject({ status: 'completed', usage: { input: { total: 7 } } });
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed' });
  });

  test('left before the finish part: interrupted, what came is kept, usage is not known', async () => {
    const early = usage + words;
    server.answer = (socket) => void socket.write(begin + chunk(early));
    const recording = capture();
    const taken = await ask();
    await taken.read(early.length);
    await taken.leave();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(step.responseId)).toEqual(partial);
  });

  test('ended by the provider without finish part and without error: interrupted, what came is kept', async () => {
    server.answer = (socket) => void socket.write(begin + chunk(words) + chunk(''));
    const recording = capture();
    await (await ask()).read();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'interrupted', usage: null, error: null });
    expect(recording.content(step.responseId)).toEqual(partial);
  });

  test.each<[string, unknown]>([
    ['an abort', undefined],
    ['a deadline', new DOMException('too late', 'TimeoutError')],
  ])('%s within it: interrupted, what came is kept', async (_name, reason) => {
    server.answer = (socket) => void socket.write(begin + chunk(words));
    const recording = capture();
    const controller = new AbortController();
    const taken = await ask(controller.signal);
    await taken.read(words.length);
    controller.abort(reason);
    await expect(taken.read()).rejects.toThrow();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(step.responseId)).toEqual(partial);
  });

  test('an error part: error, the first one stands, and later usage is still stored', async () => {
    const first = 'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n';
    const second = 'data: {"error":{"message":"and more"}}\n\n';
    server.answer = (socket) => void socket.write(begin + chunk(words + first + second + usage) + chunk(''));
    const recording = capture();
    await (await ask()).read();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'error', error: { message: 'overloaded' }, usage: { input: { total: 7 } } });
    expect(recording.content(step.responseId)).toEqual(partial);
  });

  test('cancelled where it was computed: interrupted, what came is kept', async () => {
    const events = [
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message', content: [] } },
      { type: 'response.output_text.delta', output_index: 0, delta: 'half' },
      { type: 'response.cancelled', response: { id: 'resp_1', status: 'cancelled', output: [], usage: null } },
    ];
    const stream = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
    server.answer = (socket) => void socket.write(begin + chunk(stream) + chunk(''));
    const recording = capture();
    await (await send(`${server.origin}/v1/responses`, { body: '{"model":"m","input":"hi","stream":true}' })).read();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(step.responseId)).toEqual([{ type: 'text', text: 'half' }]);
  });

  test('aborted, and never read: interrupted at once', async () => {
    const controller = new AbortController();
    server.answer = (socket) => void socket.write(begin + chunk(words));
    const recording = capture();
    const taken = await ask(controller.signal);
    setTimeout(() => controller.abort(), 20);
    expect(await ended(recording)).toMatchObject({ status: 'interrupted', usage: null });
    await taken.leave().catch(() => undefined);
  });

  test('aborted after the finish part, before the reader came to the end: completed, with its payload', async () => {
    const controller = new AbortController();
    server.answer = (socket) => void socket.write(begin + chunk(words + finish + usage));
    const recording = capture();
    const taken = await ask(controller.signal);
    await taken.read((words + finish + usage).length);
    controller.abort();
    await expect(taken.read()).rejects.toThrow();
    const step = await ended(recording);
    expect(step).toMatchObject({ status: 'completed', usage: { input: { total: 7 } }, error: null });
    expect(recording.content(step.responseId)).toEqual(partial);
  });
});
