import type { Telemetry } from 'ai';
import { generateText, isStepCount, Output, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { providerError, weather } from '../../../test/playback/fixtures.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Turn } from '../../../test/playback/scripted-model.ts';
import { ask, createScriptedModel, say } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { tachographTelemetry } from './index.ts';

const { record } = createSdkStage();

describe('generateText', () => {
  test('the integration has the shape the SDK asks for', () => {
    const integration: Telemetry = tachographTelemetry(createRecording().recorder);
    expect(Object.keys(integration).length).toBeGreaterThan(20);
  });

  test('one call is one run with one model step and one attempt, word for word', async () => {
    const recording = record();
    const model = createScriptedModel([say('Hello there.')]);
    const result = await generateText({
      model,
      system: 'Be brief.',
      prompt: 'Hi',
      temperature: 0,
      maxOutputTokens: 50,
      seed: 7,
      telemetry: { functionId: 'greeter' },
    });
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({
      agentId: 'greeter',
      name: 'generateText',
      capture: 'ai-sdk',
      status: 'completed',
      endReason: 'ok',
      model: 'scripted-1-served',
    });
    expect(recording.content(run.outputId)).toBe(result.text);
    const step = steps[0]!;
    expect(step).toMatchObject({
      kind: 'model',
      operation: 'generate',
      status: 'completed',
      provider: 'scripted',
      requestedModel: 'scripted-1',
      model: 'scripted-1-served',
      providerResponseId: 'resp-1',
      finishReason: { unified: 'stop', raw: 'done' },
      usageRaw: { prompt: 10 },
      options: { temperature: 0, maxOutputTokens: 50, seed: 7, toolChoice: { type: 'auto' } },
      observedAfter: false,
    });
    expect(step.usage).toEqual({
      input: {
        total: 10,
        noCache: 7,
        cacheRead: 3,
        cacheWrite: null,
        cacheWriteFiveMinutes: null,
        cacheWriteOneHour: null,
      },
      output: { total: 5, text: 4, reasoning: 1 },
      requests: 1,
    });
    expect(recording.messages(step)).toEqual(JSON.parse(JSON.stringify(model.calls[0]!.prompt)));
    expect(recording.content(step.responseId)).toEqual([{ type: 'text', text: 'Hello there.' }]);
    expect(attempts).toHaveLength(1);
    expect(attempts[0]).toMatchObject({
      number: 1,
      status: 'completed',
      providerRequestId: 'req-1',
      responseStatus: null,
    });
    expect(recording.content(attempts[0]!.requestBody!.contentId)).toEqual({ asked: true });
    expect(recording.content(attempts[0]!.responseBody!.contentId)).toEqual({ answered: true });
    expect(steps).toHaveLength(1);
    expect(recording.complaints).toEqual([]);
  });

  test('a loop of three steps stores every message and schema once', async () => {
    const recording = record();
    const model = createScriptedModel([
      ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
      ask({ id: 'c2', tool: 'weather', input: { town: 'Oslo' } }),
      say('Clear in both.'),
    ]);
    await generateText({ model, prompt: 'Weather in Bern and Oslo?', tools: { weather }, stopWhen: isStepCount(5) });
    const { steps } = recording.run();
    const models = steps.filter((step) => step.kind === 'model');
    const tools = steps.filter((step) => step.kind === 'tool');
    expect(models.map((step) => recording.messages(step).length)).toEqual([1, 3, 5]);
    models.forEach((step, index) =>
      expect(recording.messages(step)).toEqual(JSON.parse(JSON.stringify(model.calls[index]!.prompt))),
    );
    expect(models.map((step) => step.prefixBreak)).toEqual([null, null, null]);
    expect(recording.contents().filter((content) => content.kind === 'message')).toHaveLength(5);
    expect(recording.contents().filter((content) => content.kind === 'tool')).toHaveLength(1);
    expect(recording.tools(models[0]!)).toMatchObject([
      { type: 'function', name: 'weather', description: 'Weather of a town' },
    ]);
    expect(tools.map((step) => [step.callId, step.name, step.resultStatus, step.parentStepId])).toEqual([
      ['c1', 'weather', 'success', models[0]!.id],
      ['c2', 'weather', 'success', models[1]!.id],
    ]);
    expect(recording.content(tools[0]!.argsId)).toEqual({ town: 'Bern' });
    expect(recording.content(tools[0]!.resultId)).toEqual({ town: 'Bern', sky: 'clear' });
  });

  test('a turn of the same conversation costs only what is new', async () => {
    const recording = record();
    const messages: Parameters<typeof generateText>[0]['messages'] = [{ role: 'user', content: 'one' }];
    const model = createScriptedModel([say('first'), say('second')]);
    const first = await generateText({ model, messages });
    messages!.push(...first.responseMessages, { role: 'user', content: 'two' });
    await generateText({ model, messages });
    expect(recording.contents().filter((content) => content.kind === 'message')).toHaveLength(3);
    expect(recording.runs()).toHaveLength(2);
  });

  test('a cache mark that wanders makes no new content and no prefix break', async () => {
    const recording = record();
    const model = createScriptedModel([ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }), say('ok')]);
    const cacheControl = { anthropic: { cacheControl: { type: 'ephemeral' } } };
    await generateText({
      model,
      prompt: 'Hi',
      tools: { weather },
      stopWhen: isStepCount(3),
      prepareStep: ({ messages }) => ({
        messages: messages.map((message, index) => ({
          ...message,
          providerOptions: index === messages.length - 1 ? cacheControl : undefined,
        })),
      }),
    });
    const models = recording.run().steps.filter((step) => step.kind === 'model');
    expect(recording.contents().filter((content) => content.kind === 'message')).toHaveLength(3);
    expect(models.map((step) => step.contextMarks)).toEqual([
      [{ index: 0, value: { message: cacheControl } }],
      [{ index: 2, value: { message: cacheControl } }],
    ]);
    expect(models[1]!.prefixBreak).toBeNull();
  });

  test('a cache mark that wanders over the tools makes no new schema', async () => {
    const recording = record();
    const mark = { anthropic: { cacheControl: { type: 'ephemeral' } } };
    const plain = (name: string) => tool({ description: name, inputSchema: z.object({}), execute: async () => 'done' });
    const marked = (name: string) => ({ ...plain(name), providerOptions: mark });
    const asked = { model: createScriptedModel([say('ok')]), prompt: 'Hi' };
    await generateText({ ...asked, tools: { a: plain('a'), b: marked('b') } });
    await generateText({ ...asked, tools: { a: plain('a'), b: plain('b'), c: marked('c') } });
    const [first, second] = recording.runs();
    expect(recording.contents().filter((content) => content.kind === 'tool')).toHaveLength(3);
    expect(recording.tools(second!.steps[0]!).map((one) => (one as { name: string }).name)).toEqual(['a', 'b', 'c']);
    expect([first!.steps[0]!.metadata, second!.steps[0]!.metadata]).toMatchObject([
      { toolMarks: [{ index: 1, value: mark }] },
      { toolMarks: [{ index: 2, value: mark }] },
    ]);
  });

  test('a message changed in place between two steps is recorded as changed, and the break names it', async () => {
    const recording = record();
    const model = createScriptedModel([
      ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
      ask({ id: 'c2', tool: 'weather', input: { town: 'Oslo' } }),
      say('ok'),
    ]);
    const question = { type: 'text' as const, text: 'Bern?' };
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      { role: 'user' as const, content: [question] },
    ];
    await generateText({
      model,
      messages,
      allowSystemInMessages: true,
      tools: { weather },
      stopWhen: isStepCount(4),
      prepareStep({ stepNumber }) {
        if (stepNumber === 2) question.text = 'Bern and Oslo?';
        return undefined;
      },
    });
    const models = recording.run().steps.filter((step) => step.kind === 'model');
    expect(models.map((step) => step.prefixBreak)).toEqual([null, null, { previousStepId: models[1]!.id, atIndex: 1 }]);
    const words = models.map(
      (step) => (recording.messages(step)[1] as { content: { text: string }[] }).content[0]!.text,
    );
    expect(words).toEqual(['Bern?', 'Bern?', 'Bern and Oslo?']);
    models.forEach((step, index) => {
      if (index === 2) expect(recording.messages(step)).toEqual(JSON.parse(JSON.stringify(model.calls[2]!.prompt)));
    });
  });

  test('429, 429, 200 is one step with three attempts', async () => {
    const recording = record();
    const model = createScriptedModel([
      { error: providerError(429) },
      { error: providerError(429, { 'retry-after-ms': '2' }) },
      say('at last'),
    ]);
    await generateText({ model, prompt: 'Hi' });
    const { run, steps, attempts } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', attemptCount: 3, error: null });
    expect(
      attempts.map((attempt) => [
        attempt.number,
        attempt.status,
        attempt.responseStatus,
        attempt.retryClass,
        attempt.retryDelayMs,
        attempt.providerRequestId,
      ]),
    ).toEqual([
      [1, 'failed', 429, 'rate-limit', 1, 'req-9'],
      [2, 'failed', 429, 'rate-limit', 2, 'req-9'],
      [3, 'completed', null, null, null, 'req-1'],
    ]);
    expect(attempts[0]).toMatchObject({
      url: 'https://api.example.com/v1/chat',
      path: '/v1/chat',
      error: { name: 'AI_APICallError', status: 429, isRetryable: true },
    });
    expect(recording.content(attempts[0]!.responseBody!.contentId)).toEqual({ error: 'later' });
  });

  test('the caller gets the very error, and the record has it', async () => {
    const recording = record();
    const error = providerError(400);
    const failed = generateText({ model: createScriptedModel([{ error }]), prompt: 'Hi' });
    await expect(failed).rejects.toBe(error);
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(steps[0]).toMatchObject({ status: 'error', error: { name: 'AI_APICallError', status: 400 } });
    expect(attempts[0]).toMatchObject({ status: 'failed', retryClass: null });
  });

  test('all tries failed: one error step with the status of the last', async () => {
    const recording = record();
    const model = createScriptedModel([{ error: providerError(529) }]);
    await expect(generateText({ model, prompt: 'Hi', maxRetries: 1 })).rejects.toThrow(/Failed after 2 attempts/);
    const { steps, attempts } = recording.run();
    expect(steps[0]).toMatchObject({
      status: 'error',
      error: { name: 'AI_RetryError', status: 529, isRetryable: true },
    });
    expect(attempts.map((attempt) => attempt.retryClass)).toEqual(['overloaded', 'overloaded']);
  });

  test('an abort interrupts the step and cancels the run; a deadline is a timeout', async () => {
    const recording = record();
    const hang: Turn = (options) =>
      new Promise<never>((_done, fail) =>
        options.abortSignal!.addEventListener('abort', () => fail(options.abortSignal!.reason)),
      );
    const controller = new AbortController();
    const model = createScriptedModel([hang]);
    const call = generateText({ model, prompt: 'Hi', abortSignal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await expect(call).rejects.toThrow();
    await expect(generateText({ model, prompt: 'Hi', timeout: 5 })).rejects.toThrow();
    const [aborted, late] = recording.runs();
    expect(aborted!.run).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
    expect(aborted!.steps[0]!.status).toBe('interrupted');
    expect(late!.run).toMatchObject({ status: 'timeout', endReason: 'timeout' });
    expect(late!.steps[0]!.status).toBe('interrupted');
  });

  test('a tool that throws is an error step, and the loop goes on', async () => {
    const recording = record();
    const model = createScriptedModel([ask({ id: 'c1', tool: 'broken' }), say('it failed')]);
    const broken = tool({
      inputSchema: z.object({}),
      execute: async (): Promise<string> => Promise.reject(new RangeError('no such town')),
    });
    await generateText({ model, prompt: 'Hi', tools: { broken }, stopWhen: isStepCount(3) });
    const { run, steps } = recording.run();
    const step = steps.find((item) => item.kind === 'tool')!;
    expect(step).toMatchObject({
      status: 'error',
      resultStatus: 'error',
      error: { name: 'RangeError', message: 'no such town' },
    });
    expect(run.status).toBe('completed');
  });

  test('structured output: options say so, the schema is stored once', async () => {
    const recording = record();
    const model = createScriptedModel([
      ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
      say('{"sky":"clear"}'),
    ]);
    const result = await generateText({
      model,
      prompt: 'Hi',
      tools: { weather },
      stopWhen: isStepCount(3),
      output: Output.object({ schema: z.object({ sky: z.string() }) }),
    });
    expect(result.output).toEqual({ sky: 'clear' });
    const models = recording.run().steps.filter((step) => step.kind === 'model');
    expect(models[0]!.options).toMatchObject({ structuredOutput: true, responseFormat: { type: 'json' } });
    expect(recording.content(models[0]!.requestId)).toMatchObject({
      responseFormat: { type: 'json', schema: { type: 'object' } },
    });
    expect(models[1]!.requestId).toBe(models[0]!.requestId);
  });
});
