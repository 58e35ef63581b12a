import * as sdk from '@openai/agents';
import { Agent, Runner, retryPolicies, run, tool } from '@openai/agents';
import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { isSettled, until } from '../../../test/playback/loopback.ts';
import { captureOf } from './capture.ts';
import { installAgents } from './index.ts';
import { call, hasResult, say } from './responses-server.fixture.ts';
import { add, createAgentsStage, toTree } from './stage.fixture.ts';

const stage = createAgentsStage();
const ways = ['everything', 'processor', 'hook'] as const;
const one = new Agent({ name: 'One', instructions: 'Answer.', model: 'gpt-5-mini' });

describe.each(ways)('tries of a call (%s)', (way) => {
  test('retries of the client are attempts of one step', async () => {
    stage.server.script((_asked, index) =>
      index === 0
        ? { status: 429, message: 'slow down', headers: { 'retry-after-ms': '5' } }
        : index === 1
          ? { status: 500, message: 'oops', headers: { 'retry-after-ms': '5' } }
          : { output: [say('at last')] },
    );
    const recording = stage.record(way);
    await run(one, 'go');
    await until(isSettled(recording));
    const folded = recording.run();
    expect(toTree(folded)).toEqual(['phase One completed', '  model generate completed']);
    expect(folded.attempts.map(({ responseStatus, number }) => [number, responseStatus])).toEqual([
      [1, 429],
      [2, 500],
      [3, 200],
    ]);
    expect(folded.attempts[0]!.retryClass).toBe('rate-limit');
    expect(folded.run.usage.input.total).toBe(30);
  });

  test.each([false, true])('so are those of the runner (stream: %s)', async (stream) => {
    stage.server.script((_asked, index) =>
      index === 0
        ? { status: 429, message: 'slow down', headers: { 'x-should-retry': 'false' } }
        : { output: [say('at last')] },
    );
    const recording = stage.record(way);
    const agent = new Agent({
      name: 'One',
      instructions: 'Answer.',
      modelSettings: {
        retry: { maxRetries: 2, backoff: { initialDelayMs: 1 }, policy: retryPolicies.httpStatus([429]) },
      },
    });
    const result = stream ? await run(agent, 'go', { stream: true }) : await run(agent, 'go');
    if ('completed' in result) await result.completed;
    expect(result.finalOutput).toBe('at last');
    await until(isSettled(recording));
    const folded = recording.run();
    expect(folded.run).toMatchObject({ status: 'completed', usage: { input: { total: 30 } } });
    expect(folded.attempts.map(({ responseStatus }) => responseStatus)).toEqual([429, 200]);
    const models = folded.steps.filter(({ kind }) => kind === 'model');
    // On the wire a try of the runner is a call like any other.
    if (way === 'hook') return expect(models.map(({ status }) => status)).toEqual(['error', 'completed']);
    expect(models).toHaveLength(1);
    const step = models[0]!;
    expect(step).toMatchObject({ status: 'completed', error: null });
    expect(folded.attempts.map(({ stepId }) => stepId)).toEqual([step.id, step.id]);
  });

  test('a call that fails for good is an error of step and run', async () => {
    stage.server.script(() => ({ status: 400, message: 'bad words' }));
    const recording = stage.record(way);
    await expect(run(one, 'go')).rejects.toThrow('bad words');
    await until(isSettled(recording));
    const folded = recording.run();
    expect(toTree(folded)).toEqual(['phase One error', '  model generate error']);
    expect(folded.run).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(folded.steps[1]!.error!.message).toContain('bad words');
    expect(folded.run.usage.input.total).toBeNull();
  });
});

describe.each(ways)('a run that ends early (%s)', (way) => {
  test('too many turns are an error', async () => {
    stage.server.script(() => ({ output: [call('add', { a: 1, b: 2 })] }));
    const recording = stage.record(way);
    const agent = new Agent({ name: 'Loop', tools: [add] });
    await expect(run(agent, 'go', { maxTurns: 1 })).rejects.toThrow('Max turns (1) exceeded');
    await until(isSettled(recording));
    const { run: view, steps } = recording.run();
    expect(view).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(recording.everything()).toContain('MaxTurnsExceededError');
    expect(captureOf(recording.recorder).book.size).toBe(0);
    expect(steps.map(({ status }) => status)).toEqual(['error', 'completed', 'completed']);
  });

  test('a signal during a call cancels', async () => {
    const controller = new AbortController();
    stage.server.script(async () => {
      controller.abort();
      await new Promise((done) => setTimeout(done, 200));
      return { output: [say('too late')] };
    });
    const recording = stage.record(way);
    await expect(run(one, 'go', { signal: controller.signal })).rejects.toThrow();
    await until(isSettled(recording));
    const folded = recording.run();
    expect(folded.run).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
    expect(toTree(folded)).toEqual(['phase One interrupted', '  model generate interrupted']);
  });

  test('a signal during a stream cancels, and what had come is kept', async () => {
    stage.server.script(() => ({ words: ['Once ', 'upon '], stalls: true }));
    const recording = stage.record(way);
    const controller = new AbortController();
    const result = await run(one, 'go', { stream: true, signal: controller.signal });
    let words = '';
    try {
      for await (const event of result)
        if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') {
          words += event.data.delta;
          if (words === 'Once upon ') controller.abort();
        }
      await result.completed;
    } catch {
      // Versions differ in whether the reader is told of the abort by an error.
    }
    expect(words).toBe('Once upon ');
    await until(isSettled(recording));
    const folded = recording.run();
    const step = folded.steps.find(({ kind }) => kind === 'model')!;
    expect(step).toMatchObject({ status: 'interrupted', usage: null });
    const text = way === 'processor' ? undefined : [{ type: 'text', text: 'Once upon ' }];
    expect(recording.content(step.responseId)).toEqual(text);
    expect(folded.run.status).toBe('cancelled');
  });
});

test('a stream that is read to its end has its words, its usage and the time of its first word', async () => {
  stage.server.script((asked) => ({
    output: hasResult(asked) ? [say('It is three.')] : [call('add', { a: 1, b: 2 })],
  }));
  const recording = stage.record();
  const agent = new Agent({ name: 'Adder', tools: [add] });
  const result = await run(agent, 'go', { stream: true });
  for await (const _event of result);
  await result.completed;
  await until(isSettled(recording));
  const folded = recording.run();
  expect(toTree(folded)).toEqual([
    'phase Adder completed',
    '  model stream completed',
    '  tool add completed',
    '  model stream completed',
  ]);
  expect(recording.content(folded.run.outputId)).toBe('It is three.');
  const last = folded.steps[3]!;
  expect(last.usage).toMatchObject({ input: { total: 30, cacheRead: 12 }, output: { total: 9, reasoning: 4 } });
  expect(last.timeToFirstTokenMs).toBeGreaterThan(0);
  expect(last.stream).toMatchObject({ textDeltas: 3, finishReason: 'stop' });
  expect(recording.content(last.responseId)).toEqual([{ type: 'text', text: 'It is three.' }]);
  expect(recording.content(folded.steps[2]!.argsId)).toEqual({ a: 1, b: 2 });
});

test.each(ways)('a stream that its reader leaves ends the run as cancelled, with what had come (%s)', async (way) => {
  stage.server.script(() => ({ words: ['Once ', 'upon '], stalls: true }));
  const recording = stage.record(way);
  const result = await run(one, 'go', { stream: true });
  let words = '';
  for await (const event of result) {
    if (event.type !== 'raw_model_stream_event' || event.data.type !== 'output_text_delta') continue;
    words += event.data.delta;
    if (words === 'Once upon ') break;
  }
  await until(isSettled(recording));
  await until(() => recording.run().run.status !== 'running');
  const { run: view, steps } = recording.run();
  expect(view).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
  expect(steps.find(({ kind }) => kind === 'model')).toMatchObject({ status: 'interrupted', usage: null });
});

test('a deadline is a timeout', async () => {
  stage.server.script(async () => {
    await new Promise((done) => setTimeout(done, 300));
    return { output: [say('too late')] };
  });
  const recording = stage.record();
  await expect(run(one, 'go', { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  await until(isSettled(recording));
  expect(recording.run().run).toMatchObject({ status: 'timeout', endReason: 'timeout' });
});

test('installed twice, it records once', async () => {
  stage.server.script(() => ({ output: [say('ok')] }));
  const recording = stage.record();
  installAgents(recording.recorder, { sdk });
  await run(one, 'go');
  expect(toTree(recording.run())).toEqual(['phase One completed', '  model generate completed']);
});

test('words are withheld where the SDK is told to keep them to itself', async () => {
  stage.server.script((asked) => ({
    output: hasResult(asked) ? [say('secret answer')] : [call('keep', { word: 'secret argument' })],
  }));
  const recording = stage.record();
  const keep = tool({
    name: 'keep',
    description: 'Keeps',
    parameters: z.object({ word: z.string() }),
    execute: () => 'secret result',
  });
  const runner = new Runner({ traceIncludeSensitiveData: false });
  await runner.run(new Agent({ name: 'Keeper', instructions: 'secret order', tools: [keep] }), 'secret question');
  await until(isSettled(recording));
  const { steps, run: view } = recording.run();
  expect(steps.map(({ kind, inputsWithheld, outputsWithheld }) => [kind, inputsWithheld, outputsWithheld])).toEqual([
    ['phase', false, false],
    ['model', true, true],
    ['tool', true, true],
    ['model', true, true],
  ]);
  expect(view.usage.input.total).toBe(60);
  expect(steps[2]!.callId).toBe('call_keep');
  expect(recording.everything()).not.toContain('secret');
});

test('a tripped guardrail is a phase that says so, and ends the run', async () => {
  stage.server.script(() => ({ output: [say('ok')] }));
  const recording = stage.record();
  const agent = new Agent({
    name: 'Guarded',
    inputGuardrails: [
      {
        name: 'no homework',
        runInParallel: false,
        execute: async ({ input }) => {
          const check = await run(new Agent({ name: 'Checker', instructions: 'Check.' }), String(input));
          return { tripwireTriggered: check.finalOutput === 'ok', outputInfo: {} };
        },
      },
    ],
  });
  await expect(run(agent, 'homework')).rejects.toThrow();
  const parent = recording.runs().find(({ run: view }) => view.agentId === 'Guarded')!;
  const child = recording.runs().find(({ run: view }) => view.agentId === 'Checker')!;
  expect(parent.run).toMatchObject({ status: 'failed', endReason: 'error' });
  const guardrail = parent.steps.find(({ name }) => name === 'no homework')!;
  expect(guardrail).toMatchObject({ kind: 'phase', status: 'completed' });
  expect(recording.content(guardrail.resultId)).toEqual({ triggered: true });
  expect(child.run).toMatchObject({ parentRunId: parent.run.id, parentStepId: guardrail.id, status: 'completed' });
});

test('a runner whose tracing is off still has its run and its model calls recorded', async () => {
  stage.server.script(() => ({ output: [say('ok')] }));
  const recording = stage.record();
  await new Runner({ tracingDisabled: true }).run(one, 'go');
  await until(isSettled(recording));
  const folded = recording.run();
  expect(toTree(folded)).toEqual(['model generate completed']);
  expect(folded.run).toMatchObject({ agentId: 'One', status: 'completed' });
});

test('a run that waits for a word of approval says for which tool, and the one that goes on is a run of its own', async () => {
  stage.server.script((asked) => ({ output: hasResult(asked) ? [say('paid')] : [call('pay', { sum: 5 })] }));
  const recording = stage.record();
  const pay = tool({
    name: 'pay',
    description: 'Pays',
    parameters: z.object({ sum: z.number() }),
    needsApproval: true,
    execute: ({ sum }) => `paid ${sum}`,
  });
  const agent = new Agent({ name: 'Payer', tools: [pay] });
  const asked = await run(agent, 'pay');
  asked.state.approve(asked.interruptions[0]!);
  const result = await run(agent, asked.state);
  expect(result.finalOutput).toBe('paid');
  await until(isSettled(recording));
  const [first, second] = recording.runs();
  expect(recording.content(first!.run.outputId)).toEqual([{ awaitsApproval: 'pay' }]);
  expect(second!.run).toMatchObject({ agentId: 'Payer', status: 'completed' });
  const paid = second!.steps.find(({ kind }) => kind === 'tool')!;
  expect(recording.content(paid.argsId)).toEqual({ sum: 5 });
  expect(recording.content(paid.resultId)).toBe('paid 5');
});
