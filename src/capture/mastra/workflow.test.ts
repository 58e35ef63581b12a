import { Agent } from '@mastra/core/agent';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
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

function open(parts: WorldParts): MastraWorld {
  server.asked.length = 0;
  return (world = createMastraWorld(parts));
}

const question = z.object({ question: z.string() });
const answer = z.object({ answer: z.string() });
const verdict = z.object({ isApproved: z.boolean() });

function buildWorkflow(agentName: string) {
  const ask = createStep({
    id: 'ask',
    inputSchema: question,
    outputSchema: answer,
    execute: async ({ inputData, mastra }) => ({
      answer: (await mastra.getAgent(agentName).generate(inputData.question)).text,
    }),
  });
  const approve = createStep({
    id: 'approve',
    inputSchema: answer,
    outputSchema: verdict,
    suspendSchema: z.object({ why: z.string() }),
    resumeSchema: verdict,
    execute: async ({ resumeData, suspend }) =>
      resumeData === undefined ? suspend({ why: 'a person decides' }) : { isApproved: resumeData.isApproved },
  });
  return createWorkflow({ id: 'approval-flow', inputSchema: question, outputSchema: verdict })
    .then(ask)
    .then(approve)
    .commit();
}

describe('a workflow', () => {
  test('is a run with a phase per step; an agent in it is a child run; waiting for a person is no error', async () => {
    const agent = new Agent({
      id: 'helper',
      name: 'x',
      instructions: 'x',
      model: server.model('m-flow', { text: 'Yes.' }),
    });
    open({ agents: { agent }, workflows: { flow: buildWorkflow('agent') } });
    const run = await world.mastra.getWorkflow('flow' as never).createRun();
    expect((await run.start({ inputData: { question: 'Is it?' } } as never)).status).toBe('suspended');
    expect((await run.resume({ step: 'approve', resumeData: { isApproved: true } } as never)).status).toBe('success');
    await until(() => world.recording.runs().every(({ attempts }) => attempts.every(({ status }) => status !== null)));

    const [first, second] = world.runsOf('approval-flow');
    expect(first!.run).toMatchObject({ kind: 'workflow', status: 'completed', endReason: 'ok' });
    expect(world.recording.content(first!.run.inputsId)).toEqual({ question: 'Is it?' });
    expect(world.recording.content(first!.run.outputId)).toEqual({ status: 'suspended' });
    expect(first!.steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([
      ['phase', "workflow step: 'ask'", 'completed'],
      ['phase', "workflow step: 'approve'", 'interrupted'],
    ]);
    const child = world.runOf('helper');
    expect(child.run).toMatchObject({ parentRunId: first!.run.id, parentStepId: first!.steps[0]!.id });
    expect(child.attempts).toHaveLength(1);

    expect(second!.run).toMatchObject({ status: 'completed', parentRunId: null, traceId: first!.run.traceId });
    expect(second!.run.labels['mastra.runId']).toBe(first!.run.labels['mastra.runId']);
    expect(world.recording.content(second!.run.outputId)).toEqual({ isApproved: true });
    expect(second!.steps).toMatchObject([{ kind: 'phase', status: 'completed' }]);
  });

  test('whose step calls an agent by hand has that below the step', async () => {
    const agent = new Agent({
      id: 'imported',
      name: 'x',
      instructions: 'x',
      model: server.model('m-by-hand', { text: 'Yes.' }),
    });
    const ask = createStep({
      id: 'ask',
      inputSchema: question,
      outputSchema: answer,
      execute: async ({ inputData }) => ({ answer: (await agent.generate(inputData.question)).text }),
    });
    const flow = createWorkflow({ id: 'hand-flow', inputSchema: question, outputSchema: answer }).then(ask).commit();
    open({ agents: { agent }, workflows: { flow } });
    const run = await world.mastra.getWorkflow('flow' as never).createRun();
    expect((await run.start({ inputData: { question: 'Is it?' } } as never)).status).toBe('success');
    const { run: above, steps } = world.runOf('hand-flow');
    expect(world.runOf('imported').run).toMatchObject({ parentRunId: above.id, parentStepId: steps[0]!.id });
  });

  test('whose step throws fails with its error', async () => {
    const bad = createStep({
      id: 'bad',
      inputSchema: question,
      outputSchema: answer,
      execute: async () => {
        throw new RangeError('too far');
      },
    });
    const flow = createWorkflow({ id: 'bad-flow', inputSchema: question, outputSchema: answer }).then(bad).commit();
    open({ workflows: { flow } });
    const run = await world.mastra.getWorkflow('flow' as never).createRun();
    expect((await run.start({ inputData: { question: 'Far?' } } as never)).status).toBe('failed');
    const { run: view, steps } = world.runOf('bad-flow');
    expect(view).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(steps).toMatchObject([{ kind: 'phase', status: 'error', error: { message: 'too far' } }]);
  });
});

describe('a person in the loop', () => {
  const send = createTool({
    id: 'send',
    description: 'Sends a letter',
    inputSchema: z.object({ to: z.string() }),
    requireApproval: true,
    execute: async ({ to }) => ({ sentTo: to }),
  });
  const book = createTool({
    id: 'book',
    description: 'Books a seat',
    inputSchema: z.object({ to: z.string() }),
    suspendSchema: z.object({ why: z.string() }),
    resumeSchema: z.object({ isSure: z.boolean() }),
    execute: async ({ to }, context) => {
      const { agent } = context;
      if (agent?.resumeData === undefined) return (await agent?.suspend({ why: 'sure?' })) as never;
      return { booked: to };
    },
  });

  test.each([
    ['send', send, ['model completed']],
    ['book', book, ['model completed', 'tool interrupted']],
  ] as const)(
    '%s: each model call is counted once, though its answer is told twice',
    async (name, tool, firstSteps) => {
      const model = server.model(`m-${name}`, { calls: [{ name, args: { to: 'Bern' } }] }, { text: 'Done.' });
      const agent = new Agent({ id: `${name}-agent`, name: 'x', instructions: 'x', model, tools: { [name]: tool } });
      open({ agents: { agent } });
      const stream = await agent.stream('Do it');
      for await (const chunk of stream.fullStream) void chunk;
      const resumed =
        name === 'send'
          ? await agent.approveToolCall({ runId: stream.runId })
          : await agent.resumeStream({ isSure: true }, { runId: stream.runId });
      for await (const chunk of resumed.fullStream) void chunk;
      await until(isSettled(world.recording));

      expect(server.asked).toHaveLength(2);
      const [before, after] = world.runsOf(`${name}-agent`);
      expect(before!.run).toMatchObject({ status: 'completed', endReason: 'ok' });
      expect(world.recording.content(before!.run.outputId)).toMatchObject({ status: 'suspended', toolName: name });
      expect(before!.steps.map(({ kind, status }) => `${kind} ${status}`)).toEqual(firstSteps);
      expect(before!.run.summary?.hasError ?? false).toBe(false);
      expect(after!.run).toMatchObject({ status: 'completed', parentRunId: null });
      expect(after!.run.labels['mastra.runId']).toBe(before!.run.labels['mastra.runId']);
      expect(after!.steps.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
        'tool completed',
        'model completed',
      ]);
      expect(before!.attempts).toHaveLength(1);
      expect(after!.attempts).toHaveLength(1);
      // The first call's tokens come with the end that is told on resuming, and are its own.
      expect(before!.steps[0]!.usage?.input.total).toBe(100);
      expect(before!.steps[0]!.finishReason).toEqual({ unified: 'tool-calls', raw: 'tool_calls' });
      expect(after!.run.usage.input.total).toBe(100);
      expect(world.recording.messages(after!.steps[1]!)).toMatchObject([
        { role: 'system' },
        { role: 'user' },
        { role: 'assistant' },
        { role: 'tool' },
      ]);
    },
  );
});

describe('a guardrail', () => {
  test('that stops an agent is seen, on its phase and on the run', async () => {
    const agent = new Agent({
      id: 'guarded',
      name: 'x',
      instructions: 'x',
      model: server.model('m-guard', { text: 'No.' }),
      inputProcessors: [
        {
          id: 'stopper',
          processInput: ({ abort }) => abort('no such words here'),
        },
      ],
    });
    open({ agents: { agent } });
    await agent.generate('bad words');
    const { run, steps } = world.runOf('guarded');
    expect(run).toMatchObject({ status: 'cancelled', endReason: 'rejected' });
    expect(steps).toMatchObject([{ kind: 'phase', status: 'completed' }]);
    expect(steps[0]!.metadata).toMatchObject({ tripwireAbort: { reason: 'no such words here' } });
    expect(world.recording.everything()).toContain('"type":"tripwire"');
    expect(server.asked).toEqual([]);
  });
});
