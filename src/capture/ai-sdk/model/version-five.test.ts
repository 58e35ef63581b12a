import { APICallError } from '@ai-sdk/provider';
import type { LanguageModel } from 'ai-v5';
import { generateObject, generateText, stepCountIs, streamText, tool, wrapLanguageModel } from 'ai-v5';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createOlderModel } from '../../../../test/playback/older-models.ts';
import type { Recording } from '../../../../test/playback/recording.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import type { Turn } from '../../../../test/playback/scripted-model.ts';
import { ask, say } from '../../../../test/playback/scripted-model.ts';
import { collect, until } from '../../../../test/playback/streams.ts';
import { recordModel, recordTools, tachographMiddleware } from '../index.ts';

/*
 * Version 5 of the SDK tells nothing of its calls to anybody: the model itself is recorded, and the tools.
 */

globalThis.AI_SDK_LOG_WARNINGS = false;

let recording: Recording;
const complaints: unknown[] = [];
const onError = (error: unknown): void => void complaints.push(error);
beforeEach(() => {
  recording = createRecording();
  complaints.length = 0;
  return () => expect([...complaints, ...recording.complaints]).toEqual([]);
});

const model = (turns: readonly Turn[], options: object = {}): LanguageModel =>
  recordModel(createOlderModel('v2', turns), recording.recorder, { onError, ...options }) as LanguageModel;

const failure = (statusCode: number): APICallError =>
  new APICallError({
    message: 'try later',
    url: 'https://api.example.com/v1/chat',
    requestBodyValues: {},
    statusCode,
    responseHeaders: { 'retry-after-ms': '1' },
    isRetryable: statusCode !== 400,
  });

const sky = tool({
  description: 'Weather of a town',
  inputSchema: z.object({ town: z.string() }),
  execute: async ({ town }) => ({ town, sky: 'clear' }),
});

describe('a recorded model', () => {
  test('one call is a run of its own with one step and one attempt', async () => {
    const inner = createOlderModel('v2', [say('Hello there.')]);
    const recorded = recordModel(inner, recording.recorder, { agentId: 'greeter' });
    const result = await generateText({
      model: recorded as LanguageModel,
      system: 'Be brief.',
      prompt: 'Hi',
      temperature: 0,
    });
    expect(result.text).toBe('Hello there.');
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ agentId: 'greeter', capture: 'ai-sdk', status: 'completed' });
    expect(recording.content(run.outputId)).toBe('Hello there.');
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({
      operation: 'generate',
      status: 'completed',
      provider: 'scripted',
      requestedModel: 'scripted-1',
      model: 'scripted-1-served',
      finishReason: { unified: 'stop', raw: null },
      options: { temperature: 0 },
      usage: { input: { total: 10, cacheRead: 3, cacheWrite: null }, output: { total: 5, reasoning: 1, text: null } },
    });
    expect(recording.messages(steps[0]!)).toEqual(JSON.parse(JSON.stringify(inner.calls[0]!.prompt)));
    expect(attempts).toMatchObject([{ status: 'completed', providerRequestId: 'req-1' }]);
  });

  test('a model that is missing, or a name, is refused; one that records nothing is the very model', () => {
    expect(() => recordModel(undefined, recording.recorder)).toThrow(/no model/);
    expect(() => recordModel('openai/gpt-9', recording.recorder)).toThrow(/pass the model object/);
    const inner = createOlderModel('v2', [say('x')]);
    const silent = { ...recording.recorder, recording: false };
    expect(recordModel(inner, silent)).toBe(inner);
  });

  test('as middleware it records the same', async () => {
    const wrapped = wrapLanguageModel({
      model: createOlderModel('v2', [say('Hello there.')]) as never,
      middleware: tachographMiddleware(recording.recorder, { onError }),
    });
    expect((await generateText({ model: wrapped, prompt: 'Hi' })).text).toBe('Hello there.');
    expect(await streamText({ model: wrapped, prompt: 'Hi' }).text).toBe('Hello there.');
    expect(recording.runs().map(({ run, steps }) => [run.status, steps[0]!.operation])).toEqual([
      ['completed', 'generate'],
      ['completed', 'stream'],
    ]);
  });

  test('words that are not to be recorded are withheld', async () => {
    const asked = { model: model([say('pear')], { recordInputs: false, recordOutputs: false }), prompt: 'plum' };
    await generateText(asked);
    expect(recording.everything()).not.toMatch(/plum|pear/);
    expect(recording.run().steps[0]).toMatchObject({ inputsWithheld: true, outputsWithheld: true });
  });

  test('a withheld loop is still one run, without a word of it', async () => {
    const turns = [ask({ id: 'c1', tool: 'sky', input: { town: 'plum' } }), say('pear')];
    const asked = model(turns, { recordInputs: false, recordOutputs: false });
    await generateText({ model: asked, prompt: 'plum', tools: { sky }, stopWhen: stepCountIs(3) });
    expect(recording.run().steps.map((step) => step.kind)).toEqual(['model', 'tool', 'model']);
    expect(recording.everything()).not.toMatch(/plum|pear/);
  });

  test('an object is a generate with structured output', async () => {
    const recorded = model([say('{"sky":"clear"}')]);
    await generateObject({ model: recorded, schema: z.object({ sky: z.string() }), prompt: 'Hi' });
    expect(recording.run().steps[0]).toMatchObject({ operation: 'generate', options: { structuredOutput: true } });
  });
});

describe('retries', () => {
  test('529, 529, 200 is one step with three attempts and no error', async () => {
    await generateText({
      model: model([{ error: failure(529) }, { error: failure(529) }, say('at last')]),
      prompt: 'Hi',
    });
    const { run, steps, attempts } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', error: null, attemptCount: 3 });
    expect(attempts.map((attempt) => [attempt.status, attempt.retryClass])).toEqual([
      ['failed', 'overloaded'],
      ['failed', 'overloaded'],
      ['completed', null],
    ]);
  });

  test('a failure not worth another try ends the run, with the very error for the caller', async () => {
    const error = failure(400);
    await expect(generateText({ model: model([{ error }]), prompt: 'Hi' })).rejects.toBe(error);
    const { run, steps } = recording.run();
    expect([run.status, run.endReason, steps[0]!.status]).toEqual(['failed', 'error', 'error']);
  });

  test('a failure that nobody tries again ends the run in time', async () => {
    const due: (() => void)[] = [];
    const schedule = (fn: () => void) => {
      due.push(fn);
      return () => undefined;
    };
    const asked = { model: model([{ error: failure(503) }], { schedule }), prompt: 'Hi', maxRetries: 0 };
    await expect(generateText(asked)).rejects.toThrow('try later');
    expect(recording.run()).toMatchObject({ run: { status: 'running' }, steps: [{ status: 'error' }] });
    due.at(-1)!();
    expect(recording.run().run).toMatchObject({ status: 'failed', endReason: 'error' });
  });
});

describe('tools', () => {
  const turns = [ask({ id: 'c1', tool: 'sky', input: { town: 'Bern' } }), say('Clear.')];

  test('recorded tools are steps of the model step that asked, in one run of the whole loop', async () => {
    const tools = recordTools({ sky }, recording.recorder);
    await generateText({ model: model(turns), prompt: 'Hi', tools, stopWhen: stepCountIs(3) });
    const { run, steps } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps.map((step) => [step.kind, step.status])).toEqual([
      ['model', 'completed'],
      ['tool', 'completed'],
      ['model', 'completed'],
    ]);
    expect(steps[1]).toMatchObject({ name: 'sky', callId: 'c1', parentStepId: steps[0]!.id, observedAfter: false });
    expect(recording.content(steps[1]!.argsId)).toEqual({ town: 'Bern' });
    expect(recording.content(steps[1]!.resultId)).toEqual({ town: 'Bern', sky: 'clear' });
    expect(steps[2]!.prefixBreak).toBeNull();
    expect(recording.tools(steps[0]!)).toMatchObject([{ name: 'sky', description: 'Weather of a town' }]);
  });

  test('tools that were not are known by what the model is told of them', async () => {
    await generateText({ model: model(turns), prompt: 'Hi', tools: { sky }, stopWhen: stepCountIs(3) });
    const { steps } = recording.run();
    expect(steps[1]).toMatchObject({
      kind: 'tool',
      name: 'sky',
      callId: 'c1',
      resultStatus: 'success',
      observedAfter: true,
      durationMs: null,
      parentStepId: steps[0]!.id,
    });
    expect(recording.content(steps[1]!.resultId)).toEqual({ town: 'Bern', sky: 'clear' });
  });

  test.each([true, false])(
    'a failed tool is an error step, and the loop goes on (recorded: %s)',
    async (isRecorded) => {
      const broken = tool({
        inputSchema: z.object({}),
        execute: async (): Promise<string> => Promise.reject(new RangeError('no such town')),
      });
      const tools = isRecorded ? recordTools({ broken }, recording.recorder) : { broken };
      const asked = model([ask({ id: 'c1', tool: 'broken' }), say('it failed')]);
      await generateText({ model: asked, prompt: 'Hi', tools, stopWhen: stepCountIs(3) });
      const { run, steps } = recording.run();
      expect(run.status).toBe('completed');
      expect(steps[1]).toMatchObject({
        kind: 'tool',
        status: 'error',
        resultStatus: 'error',
        error: { message: 'no such town' },
      });
    },
  );

  test('a tool that tells of its progress gives the same values, and its last is the result', async () => {
    const scopes: unknown[] = [];
    const slow = tool({
      inputSchema: z.object({}),
      async *execute() {
        yield 'half';
        scopes.push(recording.recorder.currentStep()?.kind);
        yield 'whole';
      },
    });
    const tools = recordTools({ slow }, recording.recorder);
    const result = await generateText({
      model: model([ask({ id: 'c1', tool: 'slow' }), say('done')]),
      prompt: 'Hi',
      tools,
      stopWhen: stepCountIs(3),
    });
    expect(result.steps[0]!.toolResults[0]!.output).toBe('whole');
    expect(scopes).toEqual(['tool']);
    const { steps } = recording.run();
    expect(recording.content(steps[1]!.resultId)).toBe('whole');
  });

  test('8 parallel agents have 8 right parents', async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `c${index}`);
    // All are answered at once, so that all wait for their tools at once.
    let waiting = 0;
    let answerAll: () => void = () => undefined;
    const all8 = new Promise<void>((done) => void (answerAll = done));
    const together = async (): Promise<Turn> => {
      waiting += 1;
      if (waiting === ids.length) answerAll();
      await all8;
      return ask({ id: 'same', tool: 'sky', input: { town: 'Bern' } });
    };
    const agents = ids.map((id) =>
      // Each agent uses a tool whose call has the same id in all of them.
      model([together, say(`done ${id}`)], { agentId: 'sub' }),
    );
    // What the tool finds depends on who asks, though all ask in the same words.
    const telling = tool({
      inputSchema: z.object({ town: z.string() }),
      execute: async (_input, { messages }) => ({ asked: messages[0]!.content }),
    });
    const own = recordTools({ sky: telling }, recording.recorder);
    const delegate = tool({
      inputSchema: z.object({ task: z.string() }),
      async execute({ task }) {
        const index = Number(task.slice(1));
        await new Promise((done) => setTimeout(done, (index * 3) % 5));
        const asked = { model: agents[index]!, prompt: task, tools: own, stopWhen: stepCountIs(3) };
        return index % 2 === 0 ? (await generateText(asked)).text : await streamText(asked).text;
      },
    });
    const boss = model([ask(...ids.map((id) => ({ id, tool: 'delegate', input: { task: id } }))), say('all done')], {
      agentId: 'boss',
    });
    const tools = recordTools({ delegate }, recording.recorder);
    await generateText({ model: boss, prompt: 'go', tools, stopWhen: stepCountIs(3) });
    const all = recording.runs();
    const root = all.find(({ run }) => run.agentId === 'boss')!;
    const children = all.filter(({ run }) => run.agentId === 'sub');
    expect(all).toHaveLength(9);
    const callIdByStep = new Map(root.steps.map((step) => [step.id, step.callId]));
    for (const { run, steps } of children) {
      expect([run.parentRunId, run.rootRunId, run.status]).toEqual([root.run.id, root.run.id, 'completed']);
      expect(steps.map((step) => step.kind)).toEqual(['model', 'tool', 'model']);
      const task = callIdByStep.get(run.parentStepId!);
      expect(recording.messages(steps[0]!)).toMatchObject([{ role: 'user', content: [{ text: task }] }]);
      expect(recording.content(steps[1]!.resultId)).toEqual({ asked: task });
    }
    expect(new Set(children.map(({ run }) => run.parentStepId)).size).toBe(8);
  });

  test('inside the user’s own run everything is that run’s', async () => {
    const tools = recordTools({ sky }, recording.recorder);
    await recording.recorder.run({ agentId: 'mine' }, async () => {
      await generateText({ model: model(turns), prompt: 'Hi', tools, stopWhen: stepCountIs(3) });
      await generateText({ model: model([say('more')]), prompt: 'And now?' });
    });
    const { run, steps } = recording.run();
    expect([run.agentId, steps.length, run.status]).toEqual(['mine', 4, 'completed']);
  });
});

describe('streams', () => {
  test('an aborted stream is interrupted with its partial text, and its run cancelled', async () => {
    const controller = new AbortController();
    const stream = new ReadableStream({
      start(source) {
        source.enqueue({ type: 'stream-start', warnings: [] });
        source.enqueue({ type: 'text-start', id: '0' });
        source.enqueue({ type: 'text-delta', id: '0', delta: 'Hel' });
        controller.signal.addEventListener('abort', () => source.error(controller.signal.reason));
      },
    });
    const result = streamText({
      model: model([{ stream: stream as never }]),
      prompt: 'Hi',
      abortSignal: controller.signal,
      onError: () => undefined,
    });
    for await (const part of result.fullStream) if (part.type === 'text-delta') controller.abort();
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    const { run, steps } = recording.run();
    expect(steps[0]).toMatchObject({ status: 'interrupted', usage: null });
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'Hel' }]);
    expect(run).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
  });

  test('aborted while its provider is deaf to the signal: interrupted all the same', async () => {
    const controller = new AbortController();
    const stalled = new ReadableStream({ start: (source) => source.enqueue({ type: 'stream-start', warnings: [] }) });
    streamText({
      model: model([{ stream: stalled as never }]),
      prompt: 'Hi',
      abortSignal: controller.signal,
      onError: () => undefined,
    });
    await until('the call is under way', () => recording.runs()[0]?.attempts.length === 1);
    controller.abort();
    await until('the run has ended', () => recording.run().run.finishedAtMs !== null);
    expect(recording.run()).toMatchObject({ run: { endReason: 'cancelled' }, steps: [{ status: 'interrupted' }] });
  });

  test('the caller sees every part, and tools are recorded as they run', async () => {
    const tools = recordTools({ sky }, recording.recorder);
    const turns = [ask({ id: 'c1', tool: 'sky', input: { town: 'Bern' } }), say('Clear over Bern.')];
    const result = streamText({ model: model(turns), prompt: 'Hi', tools, stopWhen: stepCountIs(3) });
    expect((await collect(result.textStream)).join('')).toBe('Clear over Bern.');
    const { run, steps } = recording.run();
    expect(steps.map((step) => [step.kind, step.operation, step.status])).toEqual([
      ['model', 'stream', 'completed'],
      ['tool', null, 'completed'],
      ['model', 'stream', 'completed'],
    ]);
    expect(steps[2]).toMatchObject({ stream: { textDeltas: 3 }, usage: { input: { total: 10 } } });
    expect(run.status).toBe('completed');
  });
});
