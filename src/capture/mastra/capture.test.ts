import { Agent } from '@mastra/core/agent';
import { createDurableAgent } from '@mastra/core/agent/durable';
import { createTool } from '@mastra/core/tools';
import type { ObservabilityBridge } from '@mastra/core/observability';
import { Observability } from '@mastra/observability';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { isSettled, recordHttp, until } from '../../../test/playback/loopback.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createAiSdkCapture } from '../ai-sdk/index.ts';
import { tachographConfig, tachographExporter } from './index.ts';
import type { MastraEvent, MastraSpan } from './index.ts';
import type { MastraWorld, ModelServer, WorldParts } from './mastra.fixture.ts';
import { createMastraWorld, openModelServer } from './mastra.fixture.ts';

let server: ModelServer;
let world: MastraWorld | null = null;

beforeAll(async () => {
  server = await openModelServer();
});
afterAll(() => server.close());
afterEach(async () => {
  await world?.stop();
  expect(world?.recording.complaints ?? []).toEqual([]);
  world = null;
});

function open(parts: WorldParts): MastraWorld {
  server.asked.length = 0;
  return (world = createMastraWorld(parts));
}

const echo = createTool({
  id: 'echo',
  description: 'Says it again',
  inputSchema: z.object({ word: z.string() }),
  execute: async ({ word }) => ({ word }),
});

function buildAgent(name: string): Agent {
  const model = server.model(`m-${name}`, { calls: [{ name: 'echo', args: { word: 'a' } }] }, { text: 'a' });
  return new Agent({ id: name, name, instructions: 'x', model, tools: { echo } });
}

const kindsOf = (of: MastraWorld): readonly string[] =>
  of.recording.run().steps.map(({ kind, status }) => `${kind} ${status}`);
const wholeLoop = ['model completed', 'tool completed', 'model completed'];

describe('the exporter alone', () => {
  test('records the same, attempts included', async () => {
    const agent = buildAgent('alone');
    const opened = open({
      agents: { agent },
      config: ({ recorder }) => ({ serviceName: 's', exporters: [tachographExporter(recorder)] }),
    });
    await agent.generate('Go');
    await until(isSettled(opened.recording));
    expect(kindsOf(opened)).toEqual(wholeLoop);
    const { steps, attempts } = opened.recording.run();
    expect(attempts.map(({ stepId }) => stepId)).toEqual([steps[0]!.id, steps[2]!.id]);
  });

  test('given twice, in two ways, records once', async () => {
    const agent = buildAgent('twice');
    const opened = open({
      agents: { agent },
      config: ({ recorder }) => {
        const config = tachographConfig(recorder);
        return { ...config, exporters: [...config.exporters, tachographExporter(recorder)] };
      },
    });
    await agent.generate('Go');
    await until(isSettled(opened.recording));
    expect(kindsOf(opened)).toEqual(wholeLoop);
  });

  test("leaves another system's bridge its place", async () => {
    const around: string[] = [];
    const bridge: ObservabilityBridge = {
      name: 'other',
      createSpan: () => undefined,
      executeInContextSync(id, fn) {
        around.push(id);
        return fn();
      },
      exportTracingEvent: async () => undefined,
      flush: async () => undefined,
      shutdown: async () => undefined,
    };
    const agent = buildAgent('bridged');
    const opened = open({ agents: { agent }, config: ({ recorder }) => ({ ...tachographConfig(recorder), bridge }) });
    await agent.generate('Go');
    await until(isSettled(opened.recording));
    expect(around.length).toBeGreaterThan(0);
    expect(kindsOf(opened)).toEqual(wholeLoop);
    expect(opened.recording.run().attempts).toHaveLength(2);
  });
});

test('the AI SDK of the same process adds nothing of Mastra’s calls', async () => {
  const agent = buildAgent('beside');
  const opened = open({ agents: { agent } });
  const uninstall = createAiSdkCapture({ recorder: opened.recording.recorder }).install();
  try {
    await agent.generate('Go');
    await until(isSettled(opened.recording));
  } finally {
    uninstall();
  }
  expect(kindsOf(opened)).toEqual(wholeLoop);
  expect(opened.recording.run().run.usage.requests).toBe(2);
});

test('without a recorder nothing is recorded, and nothing is changed', async () => {
  const agent = buildAgent('unrecorded');
  const opened = open({ agents: { agent }, config: () => tachographConfig() });
  expect((await agent.generate('Go')).text).toBe('a');
  expect(opened.recording.runs().map(({ run }) => run.agentId)).not.toContain('unrecorded');
});

test('closing the recorder ends what is open', async () => {
  const model = server.model('m-open', { text: 'It is', hangs: true });
  const agent = new Agent({ id: 'open', name: 'x', instructions: 'x', model });
  const opened = open({ agents: { agent } });
  const stream = await agent.stream('Go');
  for await (const chunk of stream.fullStream) if (chunk.type === 'text-delta') break;
  await opened.recording.recorder.close();
  const { run, steps } = opened.recording.run();
  expect(run.endReason).toBe('interrupted');
  expect(steps.map(({ status }) => status)).toEqual(['interrupted']);
});

test('a durable agent, whose spans are made anew for each step, is recorded by them', async () => {
  const agent = createDurableAgent({ agent: buildAgent('durable') });
  const opened = open({ agents: { agent: agent as never } });
  const { output } = await agent.stream('Go');
  for await (const chunk of output.fullStream) void chunk;
  await until(isSettled(opened.recording));
  expect(kindsOf(opened)).toEqual(wholeLoop);
  const { run, steps, attempts } = opened.recording.run();
  expect(attempts.map(({ stepId }) => stepId)).toEqual([steps[0]!.id, steps[2]!.id]);
  expect(run.usage.input.total).toBe(200);
});

describe('spans without their tracker', () => {
  const span = (fields: Partial<MastraSpan> & { id: string; type: string }): MastraSpan => ({
    traceId: 'a'.repeat(32),
    name: fields.type,
    isEvent: false,
    ...fields,
  });
  const settings = { parameters: {}, toolChoice: 'auto', model: 'm', provider: 'p' };

  function tell(...events: readonly (readonly [string, MastraSpan])[]): ReturnType<typeof createRecording> {
    const recording = createRecording();
    const exporter = tachographExporter(recording.recorder);
    for (const [type, exportedSpan] of events) exporter.onTracingEvent({ type, exportedSpan });
    return recording;
  }

  test('make a step per inference that was a call, and none of an answer repeated', () => {
    const agent = span({ id: '1', type: 'agent_run', entityId: 'agent', input: 'Go' });
    const messages = [{ role: 'user', content: 'Go' }];
    const generation = span({
      id: '2',
      type: 'model_generation',
      parentSpanId: '1',
      input: { messages },
      attributes: settings,
    });
    const step = span({ id: '3', type: 'model_step', parentSpanId: '2' });
    const inference = span({ id: '4', type: 'model_inference', parentSpanId: '3', attributes: settings });
    const usage = {
      inputTokens: 9,
      outputTokens: 4,
      inputDetails: { text: 6, cacheRead: 3 },
      outputDetails: { text: 4 },
    };
    const ended = {
      ...inference,
      output: { text: 'Gone.', toolCalls: [] },
      attributes: { ...settings, usage, finishReason: 'stop' },
    };
    const repeated = span({ id: '5', type: 'model_inference', parentSpanId: '3', attributes: { model: 'm' } });
    const recording = tell(
      ...[agent, generation, step, inference].map((each) => ['span_started', each] as const),
      ['span_ended', ended],
      ['span_started', repeated],
      ['span_ended', { ...repeated, attributes: { finishReason: 'stop', usage } }],
      ['span_ended', step],
      ['span_ended', generation],
      ['span_ended', { ...agent, output: { text: 'Gone.' } }],
    );
    const { run, steps } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps).toMatchObject([{ kind: 'model', status: 'completed', requestedModel: 'm', provider: 'p' }]);
    expect(recording.messages(steps[0]!)).toEqual(messages);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'Gone.' }]);
    expect(run.usage.input).toMatchObject({ total: 9, noCache: 6, cacheRead: 3, cacheWrite: null });
    expect(run.usage.output).toMatchObject({ total: 4, text: null, reasoning: null });
  });

  test('of any shape break nothing', () => {
    const recording = createRecording();
    const complaints: unknown[] = [];
    const exporter = tachographExporter(recording.recorder, { onError: (error) => void complaints.push(error) });
    const odd = [null, undefined, 1, {}, { type: 'span_started' }, { type: 'span_ended', exportedSpan: null }];
    for (const event of odd) expect(() => exporter.onTracingEvent(event as unknown as MastraEvent)).not.toThrow();
    for (const type of [
      'agent_run',
      'tool_call',
      'model_generation',
      'model_step',
      'model_inference',
      'memory_operation',
      'new',
    ])
      for (const event of ['span_ended', 'span_updated', 'span_started', 'span_started', 'span_ended'])
        exporter.onTracingEvent({ type: event, exportedSpan: { id: type, type, attributes: 3, input: 1n } as never });
    expect(complaints.length).toBeGreaterThan(0);
  });
});

test('the configuration is one that Mastra accepts', () => {
  const { recorder } = createRecording();
  expect(() => new Observability({ configs: { test: tachographConfig(recorder) } })).not.toThrow();
});

test.each([false, true])('the HTTP of a call is its own, whichever recorder sees it (stream: %s)', async (isStream) => {
  const { recording: ambient, stop } = recordHttp();
  world = createMastraWorld({ agents: { agent: buildAgent('seen') } }, { http: false });
  const agent = world.mastra.getAgent('agent');
  if (isStream) await (await agent.stream('Go')).consumeStream();
  else await agent.generate('Go');
  await until(isSettled(world.recording));
  stop();
  expect(ambient.runs()).toEqual([]);
  const { steps, attempts } = world.recording.run();
  expect(attempts.map(({ stepId }) => stepId)).toEqual([steps[0]!.id, steps[2]!.id]);
});
