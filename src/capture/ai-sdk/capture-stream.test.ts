import { isStepCount, streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { providerError, weather } from '../../../test/playback/fixtures.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Turn } from '../../../test/playback/scripted-model.ts';
import { ask, createScriptedModel, say, scriptedUsage } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { collect, until } from '../../../test/playback/streams.ts';
import { createAiSdkCapture } from './index.ts';

const { record } = createSdkStage();

describe('streamText', () => {
  test('is recorded like generateText, with the stream measured, and the caller sees every part', async () => {
    const recording = record();
    const model = createScriptedModel([
      ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
      say('Clear over Bern.'),
    ]);
    const result = streamText({ model, prompt: 'Hi', tools: { weather }, stopWhen: isStepCount(3) });
    expect((await collect(result.textStream)).join('')).toBe('Clear over Bern.');
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ name: 'streamText', status: 'completed' });
    expect(recording.content(run.outputId)).toBe('Clear over Bern.');
    expect(steps.map((step) => [step.kind, step.operation, step.status])).toEqual([
      ['model', 'stream', 'completed'],
      ['tool', null, 'completed'],
      ['model', 'stream', 'completed'],
    ]);
    expect(steps[1]!.parentStepId).toBe(steps[0]!.id);
    expect(recording.content(steps[0]!.responseId)).toEqual([
      { type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: '{"town":"Bern"}' },
    ]);
    expect(steps[2]).toMatchObject({
      finishReason: { unified: 'stop', raw: 'done' },
      stream: { textDeltas: 3, finishReason: 'stop', errors: 0 },
    });
    expect(steps[2]!.timeToFirstTokenMs).not.toBeNull();
    expect(steps[2]!.usage?.input.total).toBe(scriptedUsage.inputTokens.total);
    expect(attempts.map((attempt) => [attempt.status, attempt.responseBody?.withheld])).toEqual([
      ['completed', 'stream'],
      ['completed', 'stream'],
    ]);
    expect(recording.complaints).toEqual([]);
  });

  test('aborted half way: interrupted, partial text kept, no usage', async () => {
    const recording = record();
    const controller = new AbortController();
    const stream = new ReadableStream({
      start(source) {
        source.enqueue({ type: 'stream-start', warnings: [] });
        source.enqueue({ type: 'text-start', id: '0' });
        source.enqueue({ type: 'text-delta', id: '0', delta: 'Hel' });
      },
    });
    const result = streamText({
      model: createScriptedModel([{ stream: stream as never }]),
      prompt: 'Hi',
      abortSignal: controller.signal,
      onError: () => undefined,
    });
    for await (const part of result.stream) if (part.type === 'text-delta') controller.abort();
    const { run, steps } = recording.run();
    expect(run).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'Hel' }]);
  });

  test('aborted and never read: interrupted by the safety net', async () => {
    const recording = record();
    const controller = new AbortController();
    const stalled = new ReadableStream({ start: (source) => source.enqueue({ type: 'stream-start', warnings: [] }) });
    const model = createScriptedModel([{ stream: stalled as never }]);
    streamText({ model, prompt: 'Hi', abortSignal: controller.signal, onError: () => undefined });
    await until(
      'the stream is under way',
      () => model.calls.length === 1 && recording.runs()[0]?.attempts.length === 1,
    );
    controller.abort();
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { run, steps } = recording.run();
    expect(steps[0]!.status).toBe('interrupted');
    expect(run).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
  });

  test('never read to its end by anybody: the run does not stay open for ever', async () => {
    const recording = createRecording();
    const due: (() => void)[] = [];
    const clock = { nowMs: () => Date.now(), monotonicMs: () => 0 };
    const schedule = (fn: () => void): (() => void) => {
      due.push(fn);
      return () => undefined;
    };
    const { integration } = createAiSdkCapture({ recorder: recording.recorder, clock, schedule });
    streamText({
      model: createScriptedModel([say('never read')]),
      prompt: 'Hi',
      telemetry: { integrations: [integration] },
    });
    await until('the answer is there', () => recording.runs()[0]?.steps[0]?.status === 'completed');
    expect(recording.run()).toMatchObject({ run: { status: 'running' }, steps: [{ status: 'completed' }] });
    due.at(-1)!();
    expect(recording.run().run).toMatchObject({ status: 'completed', endReason: 'ok' });
  });

  test('an error part ends the step in error, with what came before it', async () => {
    const recording = record();
    const parts = [
      { type: 'stream-start' as const, warnings: [] },
      { type: 'text-start' as const, id: '0' },
      { type: 'text-delta' as const, id: '0', delta: 'Hel' },
      { type: 'error' as const, error: new Error('overloaded in the middle') },
    ];
    const result = streamText({ model: createScriptedModel([{ parts }]), prompt: 'Hi', onError: () => undefined });
    const seen = await collect(result.stream);
    expect(seen.some((part) => part.type === 'error')).toBe(true);
    const { run, steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({
      status: 'error',
      error: { message: 'overloaded in the middle' },
      stream: { errors: 1 },
    });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'Hel' }]);
    expect(run).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(attempts).toHaveLength(1);
  });

  test('a stream that is retried is one step with two attempts', async () => {
    const recording = record();
    const model = createScriptedModel([
      {
        parts: [
          { type: 'stream-start', warnings: [] },
          { type: 'error', error: providerError(529) },
        ],
      },
      say('second try'),
    ]);
    const result = streamText({ model, prompt: 'Hi', streamRetries: 1, onError: () => undefined });
    expect(await result.text).toBe('second try');
    const { run, steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', error: null, attemptCount: 2 });
    expect(attempts.map((attempt) => [attempt.status, attempt.retryClass])).toEqual([
      ['failed', 'overloaded'],
      ['completed', null],
    ]);
    expect(run.status).toBe('completed');
  });

  test('retried after the wire took the first attempt over: still two attempts', async () => {
    const recording = record();
    const claimed = (parts: readonly unknown[]) => (): Turn => {
      recording.recorder.currentStep()!.openAttempt!.claim();
      return { parts: parts as never };
    };
    const finish = { type: 'finish', finishReason: { unified: 'stop', raw: 'x' }, usage: scriptedUsage };
    const model = createScriptedModel([claimed([{ type: 'error', error: providerError(529) }]), claimed([finish])]);
    await collect(streamText({ model, prompt: 'Hi', streamRetries: 1, onError: () => undefined }).stream);
    const { steps, attempts } = recording.run();
    expect([steps[0]!.status, steps[0]!.attemptCount]).toEqual(['completed', 2]);
    expect(attempts.map((attempt) => attempt.status)).toEqual([null, null]);
  });

  test('a call that fails before its stream: attempts and an error step', async () => {
    const recording = record();
    const result = streamText({
      model: createScriptedModel([{ error: providerError(429) }]),
      prompt: 'Hi',
      maxRetries: 1,
      onError: () => undefined,
    });
    await collect(result.stream);
    const { run, steps, attempts } = recording.run();
    expect([run.status, steps[0]!.status]).toEqual(['failed', 'error']);
    expect(attempts.map((attempt) => attempt.responseStatus)).toEqual([429, 429]);
  });
});
