import { expect, test } from 'vitest';
import type { BodySink } from './tee.ts';
import { teeBody } from './tee.ts';

function createSink(): BodySink & { readonly told: string[]; cut: (error: Error) => void } {
  const told: string[] = [];
  const sink = {
    told,
    cut: (_error: Error): void => undefined,
    chunk: () => void told.push('chunk'),
    end: () => void told.push('end'),
    leave: () => void told.push('leave'),
    fail: (error: unknown) => void told.push(`fail ${String(error)}`),
    wait: () => undefined,
    isReadAhead: () => false,
    isDrained: () => false,
    onStart: (cut: (error: Error) => void) => void (sink.cut = cut),
  };
  return sink;
}

/** A body that says one thing and then nothing any more. */
function createSource(onCancel: (reason: unknown) => void): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('one')),
    cancel: onCancel,
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a body that is given up while a read is under way lets its source go, and its reader go on', async () => {
  let reason: unknown = null;
  const sink = createSink();
  const reader = teeBody(
    createSource((why) => void (reason = why)),
    sink,
    1000,
  ).getReader();
  await reader.read();
  const waiting = reader.read();
  await turn();
  await reader.cancel('enough');
  expect((await waiting).done).toBe(true);
  await turn();
  expect([reason, [...new Set(sink.told)]]).toEqual(['enough', ['chunk', 'leave']]);
});

test('a body that is cut off gives its reader the error, whether it waits or comes later', async () => {
  for (const isWaiting of [true, false]) {
    let reason: unknown = null;
    const sink = createSink();
    const reader = teeBody(
      createSource((why) => void (reason = why)),
      sink,
      1000,
    ).getReader();
    await reader.read();
    const refusal = new Error('no more');
    const waiting = isWaiting ? reader.read() : null;
    waiting?.catch(() => undefined);
    await turn();
    sink.cut(refusal);
    sink.cut(new Error('again'));
    await expect(waiting ?? reader.read()).rejects.toBe(refusal);
    expect([reason, sink.told]).toEqual([refusal, ['chunk', 'fail Error: no more']]);
  }
});
