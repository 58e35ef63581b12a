import { spawnSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { StreamEnd } from './fold.ts';
import { collect, streamOf, until } from '../../../../test/playback/streams.ts';
import { tapStream } from './tap.ts';

interface Seen {
  readonly parts: unknown[];
  readonly ends: StreamEnd[];
}

function createTimers() {
  let nowMs = 0;
  const due: { atMs: number; fn: () => void; live: boolean }[] = [];
  return {
    timing: {
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
      schedule: (fn: () => void, delayMs: number) => {
        const entry = { atMs: nowMs + delayMs, fn, live: true };
        due.push(entry);
        return () => void (entry.live = false);
      },
      unreadMs: 600_000,
    },
    pass(ms: number) {
      nowMs += ms;
      for (const entry of [...due]) {
        if (!entry.live || entry.atMs > nowMs) continue;
        entry.live = false;
        entry.fn();
      }
    },
    live: () => due.filter((entry) => entry.live).length,
  };
}

function tapped(source: ReadableStream<unknown>, timers = createTimers()): Seen {
  const seen: Seen = { parts: [], ends: [] };
  const isTapped = tapStream(
    source,
    { part: (part) => void seen.parts.push(part), end: (end) => void seen.ends.push(end) },
    timers.timing,
  );
  expect(isTapped).toBe(true);
  return seen;
}

const values = [{ a: 1 }, { b: 2 }, { c: 3 }];
const of = (items: readonly unknown[]) => streamOf(items);
const identity = () => new TransformStream<unknown, unknown>();

describe('a tapped stream', () => {
  const ways: [string, (stream: ReadableStream<unknown>) => Promise<unknown[]>][] = [
    ['getReader', async (stream) => drain(stream.getReader())],
    ['pipeThrough', async (stream) => drain(stream.pipeThrough(identity()).getReader())],
    ['iteration', async (stream) => collect(stream)],
    ['tee', async (stream) => drain(stream.tee()[0].getReader())],
  ];
  test.each(ways)('gives the same values in the same order: %s', async (_name, read) => {
    const stream = of(values);
    const seen = tapped(stream);
    const got = await read(stream);
    got.forEach((value, index) => expect(value).toBe(values[index]));
    expect(seen.parts).toEqual(values);
    expect(seen.ends).toEqual([{ kind: 'eof' }]);
  });

  test('passes the very same error on', async () => {
    const error = new Error('broken pipe');
    const stream = new ReadableStream({
      pull(controller) {
        controller.error(error);
      },
    });
    const seen = tapped(stream);
    await expect(stream.getReader().read()).rejects.toBe(error);
    expect(seen.ends).toEqual([{ kind: 'error', error }]);
  });

  test('passes back pressure on: the source is asked only when the consumer asks', async () => {
    let pulls = 0;
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(++pulls) }, { highWaterMark: 0 });
    tapped(stream);
    const reader = stream.getReader();
    await new Promise((done) => setImmediate(done));
    expect(pulls).toBe(0);
    await reader.read();
    await new Promise((done) => setImmediate(done));
    expect(pulls).toBe(1);
  });

  test('tells when the consumer leaves, and lets the source know why', async () => {
    let reason: unknown;
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(1),
      cancel: (why) => void (reason = why),
    });
    const seen = tapped(stream);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel('enough');
    expect(reason).toBe('enough');
    expect(seen.ends).toEqual([{ kind: 'left', reason: 'enough' }]);
  });

  test('cancelled before anybody read it', async () => {
    const stream = of(values);
    const seen = tapped(stream);
    await stream.cancel('no need');
    expect(seen.ends).toEqual([{ kind: 'left', reason: 'no need' }]);
  });

  test('unread for ten minutes it is given up, and may be taken up again', async () => {
    const timers = createTimers();
    const stream = of(values);
    const seen = tapped(stream, timers);
    timers.pass(599_999);
    expect(seen.ends).toEqual([]);
    timers.pass(1);
    expect(seen.ends).toEqual([{ kind: 'unread' }]);
    await collect(stream);
    expect(seen.ends).toEqual([{ kind: 'unread' }, { kind: 'eof' }]);
    expect(timers.live()).toBe(0);
  });

  test('a provider that is silent for long is not an unread stream', async () => {
    const timers = createTimers();
    let send: (value: unknown) => void = () => undefined;
    const stream = new ReadableStream({ start: (controller) => void (send = (value) => controller.enqueue(value)) });
    const seen = tapped(stream, timers);
    const read = stream.getReader().read();
    await new Promise((done) => setImmediate(done));
    timers.pass(3_600_000);
    expect(seen.ends).toEqual([]);
    send('at last');
    expect(await read).toEqual({ done: false, value: 'at last' });
    timers.pass(600_000);
    expect(seen.ends).toEqual([{ kind: 'unread' }]);
  });

  test('a finish part seen, waiting for the connection to close is unread', async () => {
    const timers = createTimers();
    const ends: StreamEnd[] = [];
    const stream = new ReadableStream({ start: (source) => source.enqueue('finish') });
    const observer = { part: () => undefined, end: (end: StreamEnd) => void ends.push(end), isFinished: true };
    tapStream(stream, observer, timers.timing);
    const reader = stream.getReader();
    await reader.read();
    void reader.read();
    await new Promise((done) => setImmediate(done));
    timers.pass(600_000);
    expect(ends).toEqual([{ kind: 'unread' }]);
  });

  test('nobody can reach it any more: given up without waiting for the clock', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const timers = createTimers();
    const abandon = async (): Promise<Seen> => {
      const stream = new ReadableStream({ start: (source) => source.enqueue('one') });
      const seen = tapped(stream, timers);
      const reader = stream.getReader();
      await reader.read();
      void reader.read();
      return seen;
    };
    const { ends } = await abandon();
    await until('the stream was collected', () => {
      collectGarbage();
      return ends.length > 0;
    });
    expect(ends).toEqual([{ kind: 'unread' }]);
    expect(timers.live()).toBe(0);
  });

  test('the watch over a stream keeps no process alive', () => {
    const program = `
      import { systemSchedule, tapStream } from './tap.ts';
      const clock = { nowMs: Date.now, monotonicMs: () => performance.now() };
      const timing = { clock, schedule: systemSchedule, unreadMs: 600_000 };
      tapStream(new ReadableStream(), { part() {}, end() {} }, timing);
    `;
    const options = { cwd: import.meta.dirname, timeout: 20_000 };
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], options);
    expect([status, String(stderr)]).toEqual([0, '']);
  });

  test('what cannot be observed is left as it is', () => {
    const stream = of(values);
    stream.getReader();
    const observer = { part: () => undefined, end: () => undefined };
    const { timing } = createTimers();
    expect(tapStream(stream, observer, timing)).toBe(false);
    expect(tapStream('no stream', observer, timing)).toBe(false);
    expect(tapStream(Object.freeze(of(values)), observer, timing)).toBe(false);
  });
});

async function drain(reader: ReadableStreamDefaultReader<unknown>): Promise<unknown[]> {
  const got: unknown[] = [];
  for (let result = await reader.read(); !result.done; result = await reader.read()) got.push(result.value);
  return got;
}
