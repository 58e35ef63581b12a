import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../../test/playback/recording.ts';
import type { Turn } from '../../../../test/playback/scripted-model.ts';
import { createScriptedModel, scriptedUsage } from '../../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../../test/playback/stage.ts';
import { collect, streamOf, until } from '../../../../test/playback/streams.ts';
import { createAiSdkCapture } from '../index.ts';

/*
 * The table of stream outcomes, row by row, through the real SDK. Each test has the name of its row; what the caller
 * sees is compared with what it sees when nothing is recorded.
 */

const { record } = createSdkStage();

type Part = LanguageModelV4StreamPart;

const start: Part = { type: 'stream-start', warnings: [{ type: 'other', message: 'mind the gap' }] };
const meta: Part = { type: 'response-metadata', id: 'resp-1', modelId: 'served-1' };
const words: readonly Part[] = [
  { type: 'reasoning-start', id: 'r' },
  { type: 'reasoning-delta', id: 'r', delta: 'Let me see' },
  { type: 'reasoning-end', id: 'r' },
  { type: 'text-start', id: 't' },
  { type: 'text-delta', id: 't', delta: 'Hel' },
  { type: 'text-delta', id: 't', delta: 'lo' },
];
const toolInput: readonly Part[] = [
  { type: 'tool-input-start', id: 'c1', toolName: 'look' },
  { type: 'tool-input-delta', id: 'c1', delta: '{"at":' },
];
const finish: Part = { type: 'finish', finishReason: { unified: 'stop', raw: 'done' }, usage: scriptedUsage };
const abort = new DOMException('stopped by hand', 'AbortError');
const deadline = new DOMException('too late', 'TimeoutError');

/** A stream that a test feeds; `close` or `fail` ends it, otherwise it stays open. */
function fed(parts: readonly Part[]): {
  turn: Turn;
  send(part: Part): void;
  close(): void;
  fail(error: unknown): void;
  read(): number;
} {
  let pulled = 0;
  let controller: ReadableStreamDefaultController<Part>;
  let more: (() => void) | null = null;
  const queue = [...parts];
  const stream = new ReadableStream<Part>(
    {
      start: (own) => void (controller = own),
      async pull() {
        while (queue.length === 0) await new Promise<void>((resolve) => void (more = resolve));
        pulled += 1;
        controller.enqueue(queue.shift()!);
      },
    },
    { highWaterMark: 0 },
  );
  return {
    turn: { stream },
    send(part) {
      queue.push(part);
      more?.();
    },
    close: () => controller.close(),
    fail: (error) => controller.error(error),
    read: () => pulled,
  };
}

/** A recording whose ten minutes pass when a test says so; nothing else of the process is recorded. */
function recordTimed(more: { readonly streamFlushMs?: number } = {}) {
  const recording = createRecording();
  let nowMs = 0;
  const due: { atMs: number; fn: () => void; isLive: boolean }[] = [];
  const { integration } = createAiSdkCapture({
    ...more,
    recorder: recording.recorder,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    schedule(fn, delayMs) {
      const entry = { atMs: nowMs + delayMs, fn, isLive: true };
      due.push(entry);
      return () => void (entry.isLive = false);
    },
  });
  return {
    recording,
    telemetry: { integrations: [integration] },
    pass(ms: number) {
      nowMs += ms;
      for (const entry of [...due]) {
        if (!entry.isLive || entry.atMs > nowMs) continue;
        entry.isLive = false;
        entry.fn();
      }
    },
  };
}

const tenMinutesMs = 10 * 60 * 1000;

const partial = [
  { type: 'reasoning', text: 'Let me see' },
  { type: 'text', text: 'Hello' },
];

const ask = (turn: Turn, more: object = {}) =>
  streamText({ model: createScriptedModel([turn]), prompt: 'Hi', onError: () => undefined, maxRetries: 0, ...more });

const isLastWord = (part: { type: string; text?: string }): boolean => part.type === 'text-delta' && part.text === 'lo';
const settled = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

/** Reads until a part of this type was seen, then leaves. */
async function leaveAt(
  parts: AsyncIterable<{ type: string; text?: string }>,
  isLast: (part: { type: string; text?: string }) => boolean,
): Promise<void> {
  for await (const part of parts) if (isLast(part)) return;
}

describe('finish part seen and the stream read to its end, or left by the consumer after the finish part', () => {
  test('read to its end: completed', async () => {
    const recording = record();
    await collect(ask({ parts: [start, meta, ...words, finish] }).stream);
    const { run, steps, attempts } = recording.run();
    expect([run.status, steps[0]!.status, attempts[0]!.status]).toEqual(['completed', 'completed', 'completed']);
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
    expect(steps[0]).toMatchObject({
      stream: { finishReason: 'stop', textDeltas: 2, warnings: 1, parts: 9, chunkTiming: { count: 2 } },
      usage: { input: { total: 10 } },
      model: 'served-1',
      providerResponseId: 'resp-1',
      metadata: { warnings: [{ message: 'mind the gap' }] },
    });
  });

  test('left after it, with the connection still open: completed, with its payload', async () => {
    const { recording, telemetry, pass } = recordTimed();
    const source = fed([start, ...words, finish]);
    await leaveAt(ask(source.turn, { telemetry }).stream, isLastWord);
    await until('the finish part was read', () => source.read() === words.length + 2);
    await settled();
    pass(tenMinutesMs);
    const { run, steps } = recording.run();
    expect([run.status, steps[0]!.status]).toEqual(['completed', 'completed']);
    expect(steps[0]!.usage?.input.total).toBe(10);
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
  });
});

describe('consumer leaves before the finish part', () => {
  test('interrupted; partial text, reasoning and tool input kept, usage null', async () => {
    const { recording, telemetry, pass } = recordTimed();
    const chatter = Array.from({ length: 50 }, (): Part => ({ type: 'tool-input-delta', id: 'c1', delta: '' }));
    const source = fed([start, ...words, ...toolInput, ...chatter, finish]);
    await leaveAt(ask(source.turn, { telemetry }).stream, (part) => part.type === 'tool-input-delta');
    await settled();
    // The SDK keeps a second branch of every stream, so leaving one cancels nothing: only time tells.
    pass(tenMinutesMs - 1);
    expect(recording.run().steps[0]!.status).toBe('in_progress');
    pass(1);
    const { run, steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null, finishReason: null });
    expect(recording.content(steps[0]!.responseId)).toEqual([
      ...partial,
      { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: '{"at":', incomplete: true },
    ]);
    expect(run).toMatchObject({ status: 'failed', endReason: 'interrupted' });
    expect(attempts[0]!.status).toBe('failed');
  });
});

describe('provider ends without finish part and without error', () => {
  test('interrupted, partial kept', async () => {
    const recording = record();
    await collect(ask({ parts: [start, ...words] }).stream);
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { steps } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
  });
});

describe('error part that is an abort or deadline', () => {
  test.each([
    ['abort', abort, 'AbortError'],
    ['deadline', deadline, 'TimeoutError'],
  ])('%s: interrupted', async (_name, error, name) => {
    const recording = record();
    await collect(ask({ parts: [start, ...words, { type: 'error', error }] }).stream).catch(() => undefined);
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { steps } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', error: { name } });
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
  });
});

describe('any other error part (first error wins, later usage is still stored)', () => {
  test('error', async () => {
    const recording = record();
    const parts: Part[] = [
      start,
      ...words,
      { type: 'error', error: new RangeError('first') },
      { type: 'error', error: new Error('second') },
      finish,
    ];
    await collect(ask({ parts }).stream).catch(() => undefined);
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { run, steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({
      status: 'error',
      error: { name: 'RangeError', message: 'first' },
      usage: { input: { total: 10 } },
      stream: { errors: 2, lastError: 'second', textDeltas: 2, warnings: 1, finishReason: 'stop' },
    });
    expect([run.status, attempts[0]!.status]).toEqual(['failed', 'failed']);
  });

  test('a stream that breaks while it is read: error, with the very error for the caller', async () => {
    const broken = new TypeError('connection reset');
    const seen: unknown[] = [];
    const recording = record();
    const source = fed([start, ...words]);
    const result = ask(source.turn);
    const reading = (async () => {
      for await (const part of result.stream) if (isLastWord(part)) source.fail(broken);
    })();
    await reading.catch((error: unknown) => void seen.push(error));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBe(broken);
    const { steps } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'error', error: { name: 'TypeError', message: 'connection reset' } });
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
  });
});

describe('signal aborted, stream never read or abandoned', () => {
  test('never read: interrupted by the safety net', async () => {
    const recording = record();
    const controller = new AbortController();
    const source = fed([start]);
    ask(source.turn, { abortSignal: controller.signal });
    await until('the call is under way', () => recording.runs()[0]?.attempts.length === 1);
    controller.abort();
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    expect(recording.run()).toMatchObject({ run: { endReason: 'cancelled' }, steps: [{ status: 'interrupted' }] });
  });

  test('abandoned half way, its provider deaf to the signal: interrupted by the safety net', async () => {
    const recording = record();
    const controller = new AbortController();
    const source = fed([start, ...words]);
    const iterator = ask(source.turn, { abortSignal: controller.signal }).stream[Symbol.asyncIterator]();
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      if (next.value.type === 'text-delta' && next.value.text === 'lo') break;
    controller.abort();
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { run, steps } = recording.run();
    expect([run.endReason, steps[0]!.status]).toEqual(['cancelled', 'interrupted']);
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
  });
});

describe('signal aborted after the finish part but before the iterator returned', () => {
  test('completed, with its payload', async () => {
    const recording = record();
    const controller = new AbortController();
    const source = fed([start, ...words, finish]);
    const result = ask(source.turn, { abortSignal: controller.signal });
    const reading = collect(result.stream).catch(() => []);
    await until('the finish part was read', () => source.read() === words.length + 2);
    await new Promise((done) => setImmediate(done));
    controller.abort();
    await reading;
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { steps } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'completed', usage: { input: { total: 10 } }, error: null });
    expect(recording.content(steps[0]!.responseId)).toEqual(partial);
  });
});

describe('stream text stays in memory until end, abort or streamFlushMs', () => {
  const long = 'lorem ipsum '.repeat(1000);
  const parts: readonly Part[] = [start, { type: 'text-start', id: 't' }, { type: 'text-delta', id: 't', delta: long }];
  const flushed = (recording: ReturnType<typeof createRecording>): string =>
    recording.journal.entries
      .filter(({ event }) => event.header.type === 'log')
      .map(({ event }) => JSON.parse(event.payload!) as { data: { parts: { text: string }[] } })
      .flatMap(({ data }) => data.parts.map((part) => part.text))
      .join('');

  test('off by default', async () => {
    const { recording, telemetry, pass } = recordTimed();
    const source = fed(parts);
    const reader = ask(source.turn, { telemetry }).stream.getReader();
    await until('the words were read', () => source.read() === 3 || (void reader.read(), false));
    await settled();
    pass(60_000);
    expect(recording.everything()).not.toContain('lorem');
  });

  test('with it, all but the last 4 KiB is written, and nothing twice', async () => {
    const { recording, telemetry, pass } = recordTimed({ streamFlushMs: 1000 });
    const source = fed(parts);
    const reader = ask(source.turn, { telemetry }).stream.getReader();
    await until('the words were read', () => source.read() === 3 || (void reader.read(), false));
    await settled();
    pass(999);
    expect(flushed(recording)).toBe('');
    pass(1);
    expect(flushed(recording)).toBe(long.slice(0, long.length - 4096));
    source.send({ type: 'text-delta', id: 't', delta: long });
    await until('the next words were read', () => source.read() === 4 || (void reader.read(), false));
    await settled();
    pass(1000);
    expect(flushed(recording)).toBe((long + long).slice(0, 2 * long.length - 4096));
    expect(recording.run().steps[0]!.status).toBe('in_progress');
  });

  test('the whole answer is the step’s in the end, and nothing is written after it', async () => {
    const { recording, telemetry, pass } = recordTimed({ streamFlushMs: 1000 });
    await collect(ask({ parts: [...parts, { type: 'text-end', id: 't' }, finish] }, { telemetry }).stream);
    pass(1000);
    expect(flushed(recording)).toBe('');
    expect(recording.content(recording.run().steps[0]!.responseId)).toEqual([{ type: 'text', text: long }]);
  });
});

describe('the caller receives the same values in the same order with the same error identity', () => {
  const broken = new Error('broken in the middle');
  const scripts: [string, () => Turn][] = [
    ['a whole stream', () => ({ parts: [start, meta, ...words, finish] })],
    ['an error part', () => ({ parts: [start, ...words, { type: 'error', error: broken }, finish] })],
    ['no finish part', () => ({ parts: [start, ...words] })],
    ['a call that throws', () => ({ error: broken })],
    [
      'a stream that throws',
      () => ({
        stream: streamOf<Part>([start, ...words]).pipeThrough(
          new TransformStream<Part, Part>({
            transform: (part, controller) =>
              part.type === 'text-delta' && part.delta === 'lo' ? controller.error(broken) : controller.enqueue(part),
          }),
        ),
      }),
    ],
  ];

  /** What varies from call to call is left out. */
  const shown = (part: object): object => {
    const {
      request: _request,
      response: _response,
      performance: _performance,
      ...rest
    } = part as Record<string, unknown>;
    return rest;
  };
  const see = async (turn: Turn) => {
    const errors: unknown[] = [];
    const result = ask(turn, { onError: ({ error }: { error: unknown }) => void errors.push(error) });
    const parts: object[] = [];
    let thrown: unknown = null;
    try {
      for await (const part of result.stream) parts.push(shown(part));
    } catch (error) {
      thrown = error;
    }
    const text = await Promise.resolve(result.text).catch((error: unknown) => error);
    return { parts, errors, thrown, text };
  };

  test.each(scripts)('%s', async (_name, turn) => {
    const plain = await see(turn());
    record();
    const recorded = await see(turn());
    expect(recorded.parts).toEqual(plain.parts);
    expect(recorded.errors.length).toBe(plain.errors.length);
    recorded.errors.forEach((error, index) => expect(error).toBe(plain.errors[index]));
    expect(recorded.thrown).toBe(plain.thrown);
    expect(String(recorded.text)).toBe(String(plain.text));
  });
});
