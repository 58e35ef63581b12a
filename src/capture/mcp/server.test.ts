import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { generateText } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { FoldedRun } from '../../core/import/fold.ts';
import { createAiSdkCapture } from '../ai-sdk/index.ts';
import { recordServer, recordTransport } from './index.ts';
import type { Generation, Peer } from './peers.fixture.ts';
import { generations, newGeneration, oldGeneration } from './peers.fixture.ts';
import type { Doing } from './server.fixture.ts';
import { buildServer } from './server.fixture.ts';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).toReversed()) await close();
});

interface Both {
  readonly near: Recording;
  readonly far: Recording;
  connect(): Promise<Peer>;
}

/** A server over real HTTP, and clients of it, each side with a recorder of its own. */
async function serveHttp(generation: Generation, doing: (far: Recording) => Doing = () => ({})): Promise<Both> {
  const near = createRecording();
  const far = createRecording();
  const served = await generation.listen(far.recorder, doing(far));
  closings.push(() => served.close());
  return {
    near,
    far,
    async connect() {
      const peer = generation.client();
      closings.push(() => peer.close());
      await peer.connect(recordTransport(generation.http(served.url), near.recorder));
      return peer;
    },
  };
}

const toolsOf = (recording: Recording) =>
  recording.runs().flatMap(({ steps }) => steps.filter(({ kind }) => kind === 'tool'));
const isOver = (recording: Recording): boolean => toolsOf(recording).every(({ status }) => status !== 'in_progress');
const runOfTool = (recording: Recording, name: string): FoldedRun =>
  recording.runs().find(({ steps }) => steps.some((step) => step.kind === 'tool' && step.name === name))!;

describe.each(generations)('a server of $name over HTTP', (generation) => {
  test('both sides at once, eight agents in parallel, one failing tool each', async () => {
    const { near, far, connect } = await serveHttp(generation);
    const peers = await Promise.all(Array.from({ length: 8 }, connect));
    await Promise.all(
      peers.map((peer, index) =>
        near.recorder.run({ agentId: `agent-${index}` }, async () => {
          await Promise.all([peer.call('add', { a: index, b: 1 }), peer.call('broken')]);
        }),
      ),
    );
    await until(() => toolsOf(far).length === 16 && isOver(far));
    for (let index = 0; index < 8; index += 1) {
      const { steps } = near.runs().find(({ run }) => run.agentId === `agent-${index}`)!;
      const own = steps.filter(({ kind }) => kind === 'tool');
      expect(own.map(({ name, status }) => [name, status])).toEqual([
        ['add', 'completed'],
        ['broken', 'error'],
      ]);
      expect(near.content(own[0]!.argsId)).toEqual({ a: index, b: 1 });
    }
    const served = toolsOf(far);
    expect(served.filter(({ name }) => name === 'add').map(({ argsId }) => far.content(argsId))).toEqual(
      expect.arrayContaining(Array.from({ length: 8 }, (_, index) => ({ a: index, b: 1 }))),
    );
    expect(new Set(served.map(({ name, status }) => `${name} ${status}`))).toEqual(
      new Set(['add completed', 'broken error']),
    );
    // A stateless server has a run for each request; one with sessions a run for each of them.
    const runs = far.runs().filter(({ steps }) => steps.some(({ kind }) => kind === 'tool'));
    expect(runs.length).toBe(generation === newGeneration ? 16 : 8);
    expect(new Set(runs.map(({ run }) => run.agentId))).toEqual(new Set(['calculator']));
    const sessions = new Set(runs.map(({ run }) => run.sessionId));
    expect(sessions.size).toBe(generation === newGeneration ? 1 : 8);
    expect([near.complaints, far.complaints]).toEqual([[], []]);
  });

  test('a model called by a tool’s handler is a child run of the tool step', async () => {
    globalThis.AI_SDK_LOG_WARNINGS = false;
    const model = new MockLanguageModelV4({
      doGenerate: {
        content: [{ type: 'text', text: 'hm' }],
        finishReason: { unified: 'stop', raw: 'stop' },
        usage: {
          inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 1, text: 1, reasoning: 0 },
        },
        warnings: [],
      },
    });
    const { far, connect } = await serveHttp(generation, ({ recorder }) => ({
      nested: () =>
        generateText({
          model,
          prompt: 'why?',
          telemetry: { integrations: [createAiSdkCapture({ recorder }).integration] },
        }),
    }));
    const peer = await connect();
    await Promise.all([peer.call('nested'), peer.call('nested')]);
    await until(() => toolsOf(far).length === 2 && isOver(far));
    const children = far.runs().filter(({ run }) => run.capture === 'ai-sdk');
    expect(children.map(({ run }) => run.parentStepId).toSorted()).toEqual(
      toolsOf(far)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  test('a call given up by the client is interrupted on both sides', async () => {
    const { near, far, connect } = await serveHttp(generation);
    const peer = await connect();
    const abort = new AbortController();
    const call = peer.call('slow', {}, { signal: abort.signal });
    await until(() => toolsOf(far).length === 1);
    abort.abort();
    await expect(call).rejects.toThrow('abort');
    await until(() => isOver(far) && isOver(near));
    // Once an answer has begun to stream, what was sent has long left: giving up is told by no message and no error.
    const late = new AbortController();
    const told: unknown[] = [];
    const streaming = peer.call('slow', {}, { signal: late.signal, onprogress: (progress) => told.push(progress) });
    await until(() => told.length === 1);
    late.abort();
    await expect(streaming).rejects.toThrow('abort');
    expect(toolsOf(near).map(({ status }) => status)).toEqual(['interrupted', 'interrupted']);
    await until(() => isOver(far));
    expect(toolsOf(far).map(({ status }) => status)).toEqual(['interrupted', 'interrupted']);
  });

  test('what the handler asks the client', async () => {
    const { near, far, connect } = await serveHttp(generation);
    const peer = await connect();
    await peer.call('confirm', { what: 'launch' });
    await until(() => isOver(far));
    const confirms = toolsOf(far);
    expect(toolsOf(near).map(({ name, status }) => [name, status])).toEqual([['confirm', 'completed']]);
    if (generation === oldGeneration) {
      const { steps } = runOfTool(far, 'confirm');
      const asked = steps.find(({ name }) => name === 'elicitation/create');
      expect(asked).toMatchObject({ status: 'completed', parentStepId: confirms[0]!.id });
    } else {
      // Each leg is a whole run of the handler, on a server instance of its own.
      expect(confirms.map(({ status, resultStatus }) => [status, resultStatus])).toEqual([
        ['completed', null],
        ['completed', 'success'],
      ]);
      expect(far.everything()).toContain('"input-responses"');
    }
  });
});

test('the model a server asks its client for is a model step of the server', async () => {
  const { far, connect } = await serveHttp(oldGeneration);
  const peer = await connect();
  await peer.call('think');
  await until(() => isOver(far));
  const { steps } = runOfTool(far, 'think');
  const [think] = toolsOf(far);
  const sampling = steps.find(({ kind }) => kind === 'model')!;
  expect(sampling).toMatchObject({
    operation: 'generate',
    status: 'completed',
    parentStepId: think!.id,
    requestedModel: 'small',
    model: 'tiny-1',
    usage: null,
    finishReason: { unified: 'stop', raw: 'endTurn' },
  });
  expect(far.messages(sampling)).toMatchObject([{ role: 'system', content: 'be short' }, { role: 'user' }]);
  expect(far.content(sampling.responseId)).toEqual([{ type: 'text', text: 'because' }]);
});

test('sessions of @modelcontextprotocol/node: a run for each, its id a digest', async () => {
  const recording = createRecording();
  const ids: string[] = [];
  const transports = new Map<string, NodeStreamableHTTPServerTransport>();
  const server = createServer(async (request, response) => {
    const known = transports.get(String(request.headers['mcp-session-id']));
    if (known !== undefined) return known.handleRequest(request, response);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        ids.push(id);
        transports.set(id, transport);
      },
    });
    const recorded = recordTransport(transport, recording.recorder, { side: 'server' });
    await buildServer().connect(recorded);
    await recorded.handleRequest(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closings.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (const one of [1, 2]) {
    const client = new Client({ name: 'asker', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(url);
    await client.connect(transport);
    await client.callTool({ name: 'add', arguments: { a: one, b: 1 } });
    await transport.terminateSession();
    await client.close();
  }
  await until(() => recording.runs().length === 2 && recording.runs().every(({ run }) => run.status === 'completed'));
  expect(recording.runs().map(({ steps }) => steps.map(({ name }) => name))).toEqual([
    ['initialize', 'add'],
    ['initialize', 'add'],
  ]);
  expect(new Set(recording.runs().map(({ run }) => run.sessionId)).size).toBe(2);
  expect(recording.runs()[0]!.run.sessionId).toMatch(/^mcp-[0-9a-f]{32}$/);
  for (const id of ids) expect(recording.everything()).not.toContain(id);
});

test('calls of a trace are in a run of that trace', async () => {
  const recording = createRecording();
  const server = recordServer(buildServer(), recording.recorder);
  const [near, far] = newGeneration.memory();
  await server.connect(far as never);
  const client = new Client({ name: 'asker', version: '1.0.0' });
  await client.connect(near as never);
  closings.push(() => client.close());
  const add = (traceId: string, b: number): Promise<unknown> =>
    client.callTool({
      name: 'add',
      arguments: { a: 1, b },
      _meta: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    });
  await Promise.all([add('4bf92f3577b34da6a3ce929d0e0e4736', 1), add('5bf92f3577b34da6a3ce929d0e0e4736', 2)]);
  await add('4bf92f3577b34da6a3ce929d0e0e4736', 3);
  await add('00000000000000000000000000000000', 4);
  const sums = recording
    .runs()
    .map(({ run, steps }) => [
      run.traceId,
      ...steps.flatMap(({ argsId }) => (recording.content(argsId) as { b: number } | undefined)?.b ?? []),
    ]);
  expect(sums).toEqual([
    [expect.not.stringContaining('bf92f'), 4],
    ['4bf92f3577b34da6a3ce929d0e0e4736', 1, 3],
    ['5bf92f3577b34da6a3ce929d0e0e4736', 2],
  ]);
});

test('a server in the same process under the same recorder adds no second tool step', async () => {
  const recording = createRecording();
  const { recorder } = recording;
  const [near, far] = newGeneration.memory();
  const scopes: unknown[] = [];
  const server = recordServer(buildServer({ nested: async () => scopes.push(recorder.currentStep()?.kind) }), recorder);
  await server.connect(far as never);
  const client = new Client({ name: 'asker', version: '1.0.0' });
  await client.connect(recordTransport(near, recorder) as never);
  await recorder.run({ agentId: 'agent' }, () => client.callTool({ name: 'nested' }));
  await client.close();
  const { steps } = recording.runs().find(({ run }) => run.agentId === 'agent')!;
  expect(steps.map(({ kind, name }) => [kind, name])).toEqual([
    ['tool', 'nested'],
    ['phase', 'tools/call'],
  ]);
  expect(scopes).toEqual(['tool']);
});
