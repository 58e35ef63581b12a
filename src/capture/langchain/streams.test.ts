import { RunnableSequence } from '@langchain/core/runnables';
import { describe, expect, test } from 'vitest';
import { until } from '../../../test/playback/loopback.ts';
import { openLangChainStage } from './stage.fixture.ts';

const { record } = await openLangChainStage();

async function readAll(stream: AsyncIterable<{ text: string }>): Promise<string> {
  let words = '';
  for await (const chunk of stream) words += chunk.text;
  return words;
}

describe('a stream', () => {
  test('read to its end is completed, with its parts, usage and time to first token', async () => {
    const { recording, handler, model } = record(() => ({ words: 'one two three' }));
    expect(await readAll(await model().stream('Count', { callbacks: [handler] }))).toBe('one two three');
    const { run, steps, attempts } = recording.run();
    expect([run.endReason, steps.length, attempts.length]).toEqual(['ok', 1, 1]);
    expect(steps[0]).toMatchObject({
      status: 'completed',
      finishReason: { unified: 'stop' },
      usage: { input: { total: 100 } },
    });
    expect(steps[0]!.stream).toMatchObject({ textDeltas: 3, finishReason: 'stop', errors: 0 });
    expect(steps[0]!.timeToFirstTokenMs).toBeGreaterThanOrEqual(0);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'one two three' }]);
  });

  test('of a tool call is one tool call', async () => {
    const { recording, handler, model } = record(() => ({ call: { name: 'weather', args: { town: 'Bern' } } }));
    await readAll(await model().stream('Weather?', { callbacks: [handler] }));
    expect(recording.content(recording.run().steps[0]!.responseId)).toEqual([
      { type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: { town: 'Bern' } },
    ]);
  });

  test('that is aborted keeps what it has said', async () => {
    const { recording, handler, model } = record(() => ({ words: 'one two three four', stallAfter: 2 }));
    const abort = new AbortController();
    let words = '';
    await expect(async () => {
      for await (const chunk of await model().stream('Count', { callbacks: [handler], signal: abort.signal })) {
        words += chunk.text;
        if (words.includes('two')) abort.abort();
      }
    }).rejects.toThrow();
    await until(() => recording.run().run.endReason !== null);
    const { run, steps } = recording.run();
    expect([run.endReason, steps[0]!.status, steps[0]!.usage]).toEqual(['cancelled', 'interrupted', null]);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'one two ' }]);
  });

  test('whose consumer leaves keeps what it has said', async () => {
    const { recording, handler, model } = record(() => ({ words: 'one two three four', stallAfter: 3 }));
    for await (const chunk of await model().stream('Count', { callbacks: [handler] })) if (chunk.text === 'two ') break;
    await until(() => recording.run().run.endReason !== null);
    const { run, steps, attempts } = recording.run();
    expect([run.endReason, steps[0]!.status, steps[0]!.usage]).toEqual(['cancelled', 'interrupted', null]);
    expect(attempts).toMatchObject([{ status: 'failed' }]);
    expect(JSON.stringify(recording.content(steps[0]!.responseId))).toContain('one two ');
  });

  test('whose consumer leaves inside a chain ends with the chain', async () => {
    const { recording, handler, model } = record(() => ({ words: 'one two three four' }));
    const chain = RunnableSequence.from([(question: string) => question, model()]).withConfig({ runName: 'counter' });
    for await (const chunk of await chain.stream('Count', { callbacks: [handler] })) if (chunk.text === 'two ') break;
    await recording.recorder.close();
    const { run, steps } = recording.run();
    expect(run.agentId).toBe('counter');
    expect(steps[0]!.status).not.toBe('in_progress');
    expect(JSON.stringify(recording.content(steps[0]!.responseId))).toContain('one two ');
  });

  test('that nobody reads on is given up', async () => {
    const late: (() => void)[] = [];
    const schedule = (fn: () => void): (() => void) => {
      late.push(fn);
      return () => undefined;
    };
    const nowMs = { value: 0 };
    const clock = { nowMs: () => nowMs.value, monotonicMs: () => nowMs.value };
    const { recording, handler, model } = record(() => ({ words: 'one two three' }), { schedule, clock });
    const stream = await model().stream('Count', { callbacks: [handler] });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    nowMs.value = 11 * 60 * 1000;
    late[0]!();
    const { run, steps } = recording.run();
    expect([run.endReason, steps[0]!.status]).toEqual(['cancelled', 'interrupted']);
    expect(JSON.stringify(recording.content(steps[0]!.responseId))).toContain('one ');
    await reader.return?.();
  });

  test('told in events of content blocks, as another handler may ask for, is recorded as well', async () => {
    const events = {
      name: 'events',
      awaitHandlers: true,
      lc_prefer_chat_model_stream_events: true,
      handleChatModelStreamEvent: () => undefined,
    };
    const { recording, handler, model } = record(({ number }) =>
      number === 1
        ? { words: 'one two three', cutAfter: 2 }
        : number === 2
          ? { call: { name: 'weather', args: { town: 'Bern' } }, cutAfter: 1 }
          : { words: 'one two three' },
    );
    const callbacks = [events, handler];
    await expect(model().invoke('Count', { callbacks })).rejects.toThrow();
    await expect(model().invoke('Weather?', { callbacks })).rejects.toThrow();
    await model().invoke('Count', { callbacks });
    const [cut, call, whole] = recording.runs().map(({ steps }) => steps[0]!);
    expect([cut!.status, call!.status, whole!.status]).toEqual(['error', 'error', 'completed']);
    expect(recording.content(cut!.responseId)).toEqual([{ type: 'text', text: 'one two ' }]);
    expect(recording.content(call!.responseId)).toMatchObject([
      { type: 'tool-call', toolName: 'weather', input: '{"to' },
    ]);
    expect(recording.content(whole!.responseId)).toEqual([{ type: 'text', text: 'one two three' }]);
    expect(whole!.stream).toMatchObject({ textDeltas: 3 });
  });

  test('cut by its provider is an error with what was said', async () => {
    const { recording, handler, model } = record(() => ({ words: 'one two three', cutAfter: 2 }));
    await expect(async () => readAll(await model().stream('Count', { callbacks: [handler] }))).rejects.toThrow();
    const { run, steps, attempts } = recording.run();
    expect([run.endReason, steps[0]!.status]).toEqual(['error', 'error']);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'one two ' }]);
    expect(attempts).toMatchObject([{ status: 'failed' }]);
  });

  test('flushed while it goes on is readable before its end', async () => {
    const long = 'word '.repeat(2000);
    const { recording, handler, model } = record(() => ({ words: long, stallAfter: 1900 }), { streamFlushMs: 10 });
    const stream = await model().stream('Talk', { callbacks: [handler] });
    const reader = stream[Symbol.asyncIterator]();
    for (let turn = 0; turn < 1500; turn += 1) await reader.next();
    await until(() => recording.journal.entries.some(({ event }) => event.header.type === 'log'));
    await reader.return?.();
  });
});
