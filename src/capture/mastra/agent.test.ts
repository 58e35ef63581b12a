import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isSettled, until } from '../../../test/playback/loopback.ts';
import type { MastraWorld, ModelServer, WorldParts } from './mastra.fixture.ts';
import { createMastraWorld, openModelServer } from './mastra.fixture.ts';

let server: ModelServer;
let world: MastraWorld;

beforeAll(async () => {
  server = await openModelServer();
});
afterAll(() => server.close());
afterEach(async () => {
  await world.stop();
  expect(world.recording.complaints).toEqual([]);
});

function open(parts: WorldParts, options?: { http?: boolean }): MastraWorld {
  server.asked.length = 0;
  return (world = createMastraWorld(parts, options));
}

const weather = createTool({
  id: 'weather',
  description: 'Weather of a town',
  inputSchema: z.object({ town: z.string() }),
  execute: async ({ town }) => {
    if (town === 'Atlantis') throw new TypeError('no such town');
    return { town, degrees: 21 };
  },
});

const callWeather = (town: string) => ({ calls: [{ name: 'weather', args: { town } }] });

describe('an agent', () => {
  test('is a run with a step per model call and per tool call, and an attempt per exchange', async () => {
    const model = server.model('m-tool', callWeather('Bern'), { text: 'It is 21 degrees.' });
    const agent = new Agent({
      id: 'weather-agent',
      name: 'Weather',
      instructions: 'Be short.',
      model,
      tools: { weather },
    });
    open({ agents: { agent } });
    const result = await agent.generate('How warm is Bern?', {
      memory: undefined,
      modelSettings: { temperature: 0.5 },
    } as never);
    expect(result.text).toBe('It is 21 degrees.');
    await until(isSettled(world.recording));

    const { run, steps, attempts } = world.recording.run();
    expect(run).toMatchObject({ agentId: 'weather-agent', name: 'Weather', kind: 'agent', status: 'completed' });
    expect(run.endReason).toBe('ok');
    expect(world.recording.content(run.inputsId)).toBe('How warm is Bern?');
    expect(world.recording.content(run.outputId)).toMatchObject({ text: 'It is 21 degrees.' });
    expect(steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([
      ['model', null, 'completed'],
      ['tool', 'weather', 'completed'],
      ['model', null, 'completed'],
    ]);
    expect(attempts.map(({ stepId, status }) => [stepId, status])).toEqual([
      [steps[0]!.id, 'completed'],
      [steps[2]!.id, 'completed'],
    ]);
    expect(run.usage.input).toMatchObject({ total: 200, noCache: 120, cacheRead: 80 });
    expect(run.usage.output).toMatchObject({ total: 40, text: 30, reasoning: 10 });
    expect(run.usage.requests).toBe(2);
  });

  test('tells of each call what was asked and what was answered', async () => {
    const model = server.model('m-asked', callWeather('Bern'), { text: 'Warm.' });
    const agent = new Agent({ id: 'asking', name: 'Asking', instructions: 'Be short.', model, tools: { weather } });
    open({ agents: { agent } });
    await agent.generate('How warm is Bern?', { modelSettings: { temperature: 0.5 } });
    await until(isSettled(world.recording));

    const { steps } = world.recording.run();
    const [first, tool, second] = steps;
    expect(first).toMatchObject({
      provider: 'openai.chat',
      requestedModel: 'm-asked',
      model: 'served',
      options: { temperature: 0.5, toolChoice: 'auto' },
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
      providerResponseId: 'm-asked-1',
      observedAfter: false,
    });
    expect(first!.usageRaw).toMatchObject({ prompt_tokens: 100, completion_tokens: 20 });
    expect(world.recording.tools(first!)).toMatchObject([{ type: 'function', name: 'weather' }]);
    expect(world.recording.messages(first!)).toMatchObject([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: [{ type: 'text', text: 'How warm is Bern?' }] },
    ]);
    expect(world.recording.content(first!.responseId)).toEqual([
      { type: 'tool-call', toolCallId: 'call-m-asked-1-0', toolName: 'weather', input: { town: 'Bern' } },
    ]);
    expect(tool).toMatchObject({ callId: 'call-m-asked-1-0', parentStepId: first!.id, resultStatus: 'success' });
    expect(world.recording.content(tool!.argsId)).toEqual({ town: 'Bern' });
    expect(world.recording.content(tool!.resultId)).toEqual({ town: 'Bern', degrees: 21 });
    expect(world.recording.messages(second!).slice(2)).toMatchObject([
      { role: 'assistant', content: [{ type: 'tool-call', toolName: 'weather' }] },
      { role: 'tool', content: [{ type: 'tool-result', output: { type: 'json', value: { degrees: 21 } } }] },
    ]);
    // What was known before the call left is what the model was sent.
    expect(second!.prefixBreak).toBeNull();
    expect(world.recording.everything()).not.toContain('model-prompt');
    expect(world.recording.everything()).not.toContain('sk-hidden');
  });

  test('begins a step before its exchange leaves', async () => {
    const model = server.model('m-before', { text: 'Yes.' });
    const agent = new Agent({ id: 'before', name: 'Before', instructions: 'x', model });
    open({ agents: { agent } });
    let begunAtRequest: readonly string[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = (...args) => {
      begunAtRequest = world.recording.run().steps.map(({ status }) => status);
      return original(...args);
    };
    try {
      await agent.generate('Now?');
    } finally {
      globalThis.fetch = original;
    }
    expect(begunAtRequest).toEqual(['in_progress']);
  });

  test('streams: time to the first word and a summary', async () => {
    const model = server.model('m-stream', { text: 'It is warm today.' });
    const agent = new Agent({ id: 'streaming', name: 'Streaming', instructions: 'x', model });
    open({ agents: { agent } });
    const stream = await agent.stream('How warm?');
    let text = '';
    for await (const word of stream.textStream) text += word;
    await until(isSettled(world.recording));

    const [step] = world.recording.run().steps;
    expect(text).toBe('It is warm today.');
    expect(world.recording.content(step!.responseId)).toEqual([{ type: 'text', text }]);
    expect(step!.timeToFirstTokenMs).toBeGreaterThan(0);
    expect(step!.stream).toMatchObject({ finishReason: 'stop', textDeltas: 4, errors: 0 });
    expect(step!.usage?.output).toMatchObject({ total: 20, reasoning: 5 });
  });

  test('whose stream is read late loses no call, and mixes none up', async () => {
    const model = server.model('m-late', callWeather('Bern'), callWeather('Oslo'), { text: 'Both are warm.' });
    const agent = new Agent({ id: 'late', name: 'Late', instructions: 'x', model, tools: { weather } });
    open({ agents: { agent } });
    const stream = await agent.stream('Bern and Oslo?');
    await until(() => server.asked.length === 3);
    expect(await stream.text).toBe('Both are warm.');
    await until(isSettled(world.recording));

    const { steps, attempts, run } = world.recording.run();
    const models = steps.filter(({ kind }) => kind === 'model');
    expect(models.map(({ status, providerResponseId }) => [status, providerResponseId])).toEqual([
      ['completed', 'm-late-1'],
      ['completed', 'm-late-2'],
      ['completed', 'm-late-3'],
    ]);
    expect(attempts.map(({ stepId }) => stepId)).toEqual(models.map(({ id }) => id));
    expect(steps.filter(({ kind }) => kind === 'tool').map(({ parentStepId }) => parentStepId)).toEqual([
      models[0]!.id,
      models[1]!.id,
    ]);
    expect(run.usage.input.total).toBe(300);
  });

  test('that is left in the middle of an answer: interrupted, with what was said', async () => {
    const model = server.model('m-left', { text: 'It is warm', hangs: true });
    const agent = new Agent({ id: 'left', name: 'Left', instructions: 'x', model });
    open({ agents: { agent } });
    const abort = new AbortController();
    const stream = await agent.stream('How warm?', { abortSignal: abort.signal });
    let words = 0;
    for await (const chunk of stream.fullStream) if (chunk.type === 'text-delta' && ++words === 3) abort.abort();
    await until(isSettled(world.recording));

    const { run, steps } = world.recording.run();
    expect(run).toMatchObject({ status: 'cancelled', endReason: 'cancelled' });
    expect(steps).toMatchObject([{ kind: 'model', status: 'interrupted', usage: null }]);
    expect(world.recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'It is warm' }]);
  });

  test('whose tool fails goes on, and the failure is told', async () => {
    const model = server.model('m-fail', callWeather('Atlantis'), { text: 'I do not know.' });
    const agent = new Agent({ id: 'failing', name: 'Failing', instructions: 'x', model, tools: { weather } });
    open({ agents: { agent } });
    await agent.generate('How warm is Atlantis?');
    await until(isSettled(world.recording));

    const { run, steps } = world.recording.run();
    expect(run.status).toBe('completed');
    expect(steps.map(({ kind, status }) => [kind, status])).toEqual([
      ['model', 'completed'],
      ['tool', 'error'],
      ['model', 'completed'],
    ]);
    expect(steps[1]!.error).toMatchObject({ name: 'TypeError', message: 'no such town' });
    expect(world.recording.everything()).not.toContain('model-prompt');
  });

  test('that is refused once and tried again: one step, two attempts', async () => {
    const model = server.model('m-retry', { status: 503 }, { text: 'Here.' });
    const agent = new Agent({ id: 'retrying', name: 'Retrying', instructions: 'x', model, maxRetries: 2 });
    open({ agents: { agent } });
    await agent.generate('Are you there?');
    await until(isSettled(world.recording));

    const { steps, attempts, run } = world.recording.run();
    expect(steps).toMatchObject([{ kind: 'model', status: 'completed', attemptCount: 2 }]);
    expect(attempts.map(({ status, responseStatus }) => [status, responseStatus])).toEqual([
      ['failed', 503],
      ['completed', 200],
    ]);
    expect(run.usage.requests).toBe(1);
  });

  test('whose model fails for good: the step and the run have the error', async () => {
    const model = server.model('m-dead', { status: 400 });
    const agent = new Agent({ id: 'dead', name: 'Dead', instructions: 'x', model });
    open({ agents: { agent } });
    await expect(agent.generate('Are you there?')).rejects.toThrow('not well');
    await until(isSettled(world.recording));

    const { run, steps } = world.recording.run();
    expect(run).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(steps).toMatchObject([{ kind: 'model', status: 'error', usage: null }]);
    expect(steps[0]!.error).toMatchObject({ name: 'AI_APICallError', message: 'the model is not well' });
  });

  test('with a second model to fall back on: a step per model', async () => {
    const agent = new Agent({
      id: 'fallback',
      name: 'Fallback',
      instructions: 'x',
      model: [
        { model: server.model('m-first', { status: 400 }), maxRetries: 0 },
        { model: server.model('m-second', { text: 'I can.' }), maxRetries: 0 },
      ],
    });
    open({ agents: { agent } });
    await agent.generate('Who can?');
    await until(isSettled(world.recording));
    const { run, steps, attempts } = world.recording.run();
    expect(steps.map(({ requestedModel, status }) => [requestedModel, status])).toEqual([
      ['m-first', 'error'],
      ['m-second', 'completed'],
    ]);
    expect(attempts.map(({ stepId }) => stepId)).toEqual(steps.map(({ id }) => id));
    expect(run.status).toBe('completed');
  });

  test('that asks another agent: its run hangs on the tool step', async () => {
    const inner = new Agent({
      id: 'inner-agent',
      name: 'Inner',
      description: 'Knows the weather',
      instructions: 'You know the weather.',
      model: server.model('m-inner', callWeather('Bern'), { text: 'Warm.' }),
      tools: { weather },
    });
    const model = server.model(
      'm-outer',
      { calls: [{ name: 'agent-inner', args: { prompt: 'Bern?' } }] },
      { text: 'Warm.' },
    );
    const outer = new Agent({ id: 'outer-agent', name: 'Outer', instructions: 'Ask.', model, agents: { inner } });
    open({ agents: { outer, inner } });
    await outer.generate('How warm is Bern?', { memory: { thread: 'thread-7', resource: 'user-9' } });
    await until(isSettled(world.recording));

    const above = world.runOf('outer-agent');
    const below = world.runOf('inner-agent');
    const tool = above.steps.find(({ kind }) => kind === 'tool');
    expect(tool).toMatchObject({ name: 'agent-inner', status: 'completed' });
    expect(below.run).toMatchObject({
      parentRunId: above.run.id,
      parentStepId: tool!.id,
      rootRunId: above.run.id,
      traceId: above.run.traceId,
      status: 'completed',
    });
    expect(above.run).toMatchObject({ sessionId: 'thread-7', endUserId: 'user-9' });
    expect(below.steps.map(({ kind }) => kind)).toEqual(['model', 'tool', 'model']);
    expect(below.attempts).toHaveLength(2);
    expect(above.attempts).toHaveLength(2);
    expect(world.recording.runs()).toHaveLength(2);
  });

  test('that a tool calls by hand hangs there too', async () => {
    const inner = new Agent({
      id: 'by-hand',
      name: 'x',
      instructions: 'x',
      model: server.model('m-hand', { text: 'Yes.' }),
    });
    const ask = createTool({
      id: 'ask',
      description: 'Asks',
      inputSchema: z.object({}),
      execute: async () => (await inner.generate('Is it?')).text,
    });
    const model = server.model('m-asker', { calls: [{ name: 'ask', args: {} }] }, { text: 'Yes.' });
    const outer = new Agent({ id: 'asker', name: 'Asker', instructions: 'Ask.', model, tools: { ask } });
    open({ agents: { outer, inner } });
    await outer.generate('Is it?');
    await until(isSettled(world.recording));
    const above = world.runOf('asker');
    expect(world.runOf('by-hand').run).toMatchObject({ parentRunId: above.run.id, parentStepId: above.steps[1]!.id });
  });

  test.each([8, 64])('%i at once, each with its own parents', async (count) => {
    const names = Array.from({ length: count }, (_, at) => `side-${at}`);
    const agents = Object.fromEntries(
      names.map((name) => {
        const inner = new Agent({
          id: `${name}-inner`,
          name: 'x',
          description: 'x',
          instructions: 'x',
          model: server.model(`${name}-m-inner`, callWeather(name), { text: name }),
          tools: { weather },
        });
        const model = server.model(
          `${name}-m`,
          { calls: [{ name: 'agent-inner', args: { prompt: name } }] },
          { text: name },
        );
        return [name, new Agent({ id: name, name: 'x', instructions: 'x', model, agents: { inner } })];
      }),
    );
    open({ agents });
    await Promise.all(names.map((name) => agents[name]!.generate(name)));
    const { entries } = world.recording.journal;
    await until(() => entries.filter(({ event }) => event.header.type === 'attempt-end').length === 4 * count);

    const runs = new Map(world.recording.runs().map((folded) => [folded.run.agentId, folded]));
    expect(world.recording.complaints).toEqual([]);
    expect(runs.size).toBe(2 * count);
    for (const name of names) {
      const above = runs.get(name)!;
      const below = runs.get(`${name}-inner`)!;
      expect(above.run.parentRunId).toBeNull();
      expect(below.run).toMatchObject({ parentRunId: above.run.id, parentStepId: above.steps[1]!.id });
      for (const { steps, attempts } of [above, below]) {
        // Between them Mastra may map what a tool gave, which is a phase.
        const calls = steps.filter(({ kind }) => kind !== 'phase');
        expect(calls.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
          'model completed',
          'tool completed',
          'model completed',
        ]);
        expect(steps[1]!.parentStepId).toBe(steps[0]!.id);
        expect(attempts.map(({ stepId }) => stepId)).toEqual([calls[0]!.id, calls[2]!.id]);
      }
      expect(JSON.stringify(world.recording.content(below.steps[1]!.argsId))).toContain(name);
    }
  });

  test('whose processor changes what is sent: the exact messages are told at the step', async () => {
    const agent = new Agent({
      id: 'changing',
      name: 'x',
      instructions: 'x',
      model: server.model('m-changing', { text: 'Yes.' }),
      inputProcessors: [{ id: 'adder', processInputStep: ({ messageList }) => messageList.addSystem('Say yes.') }],
    });
    open({ agents: { agent } });
    await agent.generate('Is it?');
    await until(isSettled(world.recording));
    const step = world.recording.run().steps.find(({ kind }) => kind === 'model');
    const log = world.recording.journal.entries.find(({ event }) => event.payload?.includes('model-prompt') === true);
    expect(log?.event.header.stepId).toBe(step!.id);
    expect(JSON.parse(log!.event.payload!)).toMatchObject({
      type: 'model-prompt',
      data: { messages: [{ content: 'x' }, { role: 'system', content: 'Say yes.' }, { role: 'user' }] },
    });
  });

  test("inside the user's own run adds its steps to that", async () => {
    const agent = new Agent({
      id: 'within',
      name: 'x',
      instructions: 'x',
      model: server.model('m-own', { text: 'Yes.' }),
    });
    open({ agents: { agent } });
    await world.recording.recorder.run({ agentId: 'own' }, () => agent.generate('Is it?'));
    await until(isSettled(world.recording));
    const { run, steps } = world.recording.run();
    expect(run.agentId).toBe('own');
    expect(steps).toMatchObject([{ kind: 'model', status: 'completed', attemptCount: 1 }]);
  });

  test('is recorded without its exchanges where nobody records those', async () => {
    const model = server.model('m-quiet', callWeather('Bern'), { text: 'Warm.' });
    const agent = new Agent({ id: 'quiet', name: 'x', instructions: 'x', model, tools: { weather } });
    open({ agents: { agent } }, { http: false });
    await agent.generate('Bern?');
    const { steps, attempts, run } = world.recording.run();
    expect(steps.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'model completed',
      'tool completed',
      'model completed',
    ]);
    expect(attempts).toEqual([]);
    expect(run.usage.requests).toBe(2);
  });

  test('keeps back what its user asked to hide', async () => {
    const model = server.model('m-hidden', callWeather('Bern'), { text: 'The answer is a secret.' });
    const agent = new Agent({ id: 'hidden', name: 'x', instructions: 'x', model, tools: { weather } });
    open({ agents: { agent } });
    await agent.generate('A private question', { tracingOptions: { hideInput: true, hideOutput: true } });
    await until(isSettled(world.recording));
    const { steps } = world.recording.run();
    expect(steps.map(({ inputsWithheld, outputsWithheld }) => [inputsWithheld, outputsWithheld])).toEqual([
      [true, true],
      [true, true],
      [true, true],
    ]);
    const everything = world.recording.everything();
    expect(everything).not.toContain('private question');
    expect(everything).not.toContain('is a secret');
    expect(everything).not.toContain('Bern');
  });

  test('hands its inputs on whole, however long', async () => {
    const long = `${'x'.repeat(300_000)} and its end`;
    const list = Array.from({ length: 200 }, (_, at) => at);
    const size = createTool({
      id: 'size',
      description: 'x',
      inputSchema: z.object({}),
      execute: async () => ({ long, list, keys: Object.fromEntries(list.map((at) => [`k${at}`, at])) }),
    });
    const model = server.model('m-long', { calls: [{ name: 'size', args: {} }] }, { text: 'Long.' });
    const agent = new Agent({ id: 'long', name: 'x', instructions: 'x', model, tools: { size } });
    open({ agents: { agent } });
    await agent.generate(long);
    await until(isSettled(world.recording));
    const { run, steps } = world.recording.run();
    expect(world.recording.content(run.inputsId)).toBe(long);
    expect(world.recording.content(steps[1]!.resultId)).toMatchObject({ long, list, keys: { k199: 199 } });
    expect(JSON.stringify(world.recording.messages(steps[2]!))).toContain('and its end');
    expect(world.recording.everything()).not.toContain('truncated]');
  });
});
