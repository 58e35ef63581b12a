import * as sdk from '@openai/agents';
import { Agent, Runner, run, tool, withTrace } from '@openai/agents';
import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { isSettled, recordHttp, until } from '../../../test/playback/loopback.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { captureOf } from './capture.ts';
import { installAgents } from './index.ts';
import { call, hasResult, say } from './responses-server.fixture.ts';
import { add, createAgentsStage, runOf, toTree } from './stage.fixture.ts';

const stage = createAgentsStage();

describe('an agent with a tool', () => {
  const twoTurns = () =>
    stage.server.script((asked) => ({
      output: hasResult(asked) ? [say('It is 3.')] : [call('add', { a: 1, b: 2 })],
    }));

  test('is one run: its agent, its model calls with what they saw, its tool with arguments and result', async () => {
    twoTurns();
    const recording = stage.record();
    const agent = new Agent({ name: 'Adder', instructions: 'Add.', model: 'gpt-5-mini', tools: [add] });
    const runner = new Runner({ workflowName: 'Sums', groupId: 'chat-7', traceMetadata: { team: 'blue' } });
    const result = await runner.run(agent, 'What is 1 + 2?');
    expect(result.finalOutput).toBe('It is 3.');
    await until(isSettled(recording));
    const folded = recording.run();
    expect(toTree(folded)).toEqual([
      'phase Adder completed',
      '  model generate completed',
      '  tool add completed',
      '  model generate completed',
    ]);
    const { run: view, steps, attempts } = folded;
    expect(view).toMatchObject({ agentId: 'Adder', name: 'Sums', sessionId: 'chat-7', labels: { team: 'blue' } });
    expect(view).toMatchObject({ status: 'completed', endReason: 'ok', capture: 'openai-agents' });
    expect(recording.content(view.inputsId)).toBe('What is 1 + 2?');
    expect(recording.content(view.outputId)).toBe('It is 3.');
    const [, first, sum, second] = steps;
    expect(recording.messages(first!)).toEqual([
      { role: 'system', content: 'Add.' },
      { type: 'message', role: 'user', content: 'What is 1 + 2?' },
    ]);
    expect(recording.tools(first!)).toMatchObject([{ type: 'function', name: 'add', description: 'Adds two numbers' }]);
    expect(first).toMatchObject({ provider: 'openai', model: 'gpt-5-mini-served', providerResponseId: 'resp_0' });
    expect(first!.finishReason).toEqual({ unified: 'tool-calls', raw: 'completed' });
    expect(first!.usage).toMatchObject({
      input: { total: 30, cacheRead: 12, noCache: 18 },
      output: { total: 9, reasoning: 4, text: 5 },
      requests: 1,
    });
    expect(recording.content(first!.responseId)).toEqual([
      { type: 'tool-call', toolCallId: 'call_add', toolName: 'add', input: { a: 1, b: 2 } },
    ]);
    expect(sum).toMatchObject({ callId: 'call_add', resultStatus: 'success', observedAfter: false });
    expect(recording.content(sum!.argsId)).toEqual({ a: 1, b: 2 });
    expect(recording.content(sum!.resultId)).toBe('3');
    expect(recording.messages(second!).slice(2)).toMatchObject([
      { type: 'function_call', callId: 'call_add' },
      { type: 'function_call_output', call_id: 'call_add', output: '3' },
    ]);
    expect(recording.content(second!.responseId)).toEqual([{ type: 'text', text: 'It is 3.' }]);
    expect(attempts.map(({ stepId, responseStatus }) => [stepId, responseStatus])).toEqual([
      [first!.id, 200],
      [second!.id, 200],
    ]);
    expect(recording.everything()).not.toContain('sk-hidden-key');
    expect(recording.complaints).toEqual([]);
  });

  test.each(['processor', 'hook'] as const)('is the same run with the %s alone', async (way) => {
    twoTurns();
    const recording = stage.record(way);
    const agent = new Agent({ name: 'Adder', instructions: 'Add.', model: 'gpt-5-mini', tools: [add] });
    await run(agent, 'What is 1 + 2?');
    await until(isSettled(recording));
    const folded = recording.run();
    expect(toTree(folded)).toEqual([
      'phase Adder completed',
      '  model generate completed',
      '  tool add completed',
      '  model generate completed',
    ]);
    expect(folded.run).toMatchObject({ agentId: 'Adder', name: 'Agent workflow', status: 'completed' });
    expect(recording.content(folded.run.outputId)).toBe('It is 3.');
    const [, first, sum] = folded.steps;
    expect(first!.usage).toMatchObject({ input: { total: 30, cacheRead: 12 }, output: { reasoning: 4 } });
    expect(first!.providerResponseId).toBe('resp_0');
    expect(sum!.callId).toBe('call_add');
    expect(recording.content(sum!.argsId)).toEqual({ a: 1, b: 2 });
    expect(folded.attempts.map(({ stepId }) => stepId)).toEqual([first!.id, folded.steps[3]!.id]);
    // Only HTTP tells what a call saw before it left.
    expect(recording.messages(first!)).toHaveLength(way === 'hook' ? 2 : 0);
    expect(recording.complaints).toEqual([]);
  });
});

test('the start of a tool is written before the tool runs', async () => {
  stage.server.script((asked) => ({ output: hasResult(asked) ? [say('done')] : [call('look', {})] }));
  const recording = stage.record();
  const seen: unknown[] = [];
  const look = tool({
    name: 'look',
    description: 'Looks at the record',
    parameters: z.object({}),
    execute: () => {
      seen.push(
        recording.run().steps.find(({ kind }) => kind === 'tool')?.status,
        recording.recorder.currentStep()?.kind,
      );
      return 'seen';
    },
  });
  await run(new Agent({ name: 'Looker', tools: [look] }), 'look');
  expect(seen).toEqual(['in_progress', 'tool']);
});

test('a tool that fails is an error, also when the model is told of it and goes on', async () => {
  stage.server.script((asked) => ({ output: hasResult(asked) ? [say('sorry')] : [call('fail', {})] }));
  const recording = stage.record();
  const fail = tool({
    name: 'fail',
    description: 'Fails',
    parameters: z.object({}),
    errorFunction: (_context, error) => `told: ${(error as Error).message}`,
    execute: () => {
      throw new TypeError('no such town');
    },
  });
  await run(new Agent({ name: 'Failer', tools: [fail] }), 'go');
  const { run: view, steps } = recording.run();
  expect(view.status).toBe('completed');
  const failed = steps.find(({ kind }) => kind === 'tool')!;
  expect(failed).toMatchObject({
    status: 'error',
    resultStatus: 'error',
    error: { name: 'TypeError', message: 'no such town' },
  });
  expect(recording.content(failed.resultId)).toBe('told: no such town');
});

test('a handoff stays in the run: a phase for each agent, and the handoff between them', async () => {
  stage.server.script((asked) => ({
    output: asked.instructions === 'Route.' ? [call('transfer_to_Clerk', {})] : [say('I am the clerk.')],
  }));
  const recording = stage.record();
  const clerk = new Agent({ name: 'Clerk', instructions: 'Answer.' });
  const desk = Agent.create({ name: 'Desk', instructions: 'Route.', handoffs: [clerk] });
  await run(desk, 'help');
  const folded = recording.run();
  expect(folded.run.agentId).toBe('Desk');
  expect(toTree(folded)).toEqual([
    'phase Desk completed',
    '  model generate completed',
    '  phase handoff completed',
    'phase Clerk completed',
    '  model generate completed',
  ]);
  expect(recording.content(folded.steps[2]!.resultId)).toEqual({ from: 'Desk', to: 'Clerk' });
  expect(recording.tools(folded.steps[1]!)).toMatchObject([{ type: 'function', name: 'transfer_to_Clerk' }]);
});

test.each(['everything', 'processor', 'hook'] as const)(
  'an agent as a tool is a child run of the tool (%s)',
  async (way) => {
    stage.server.script((asked) => ({
      output:
        asked.instructions === 'Sub.'
          ? [say('42')]
          : hasResult(asked)
            ? [say('It is 42.')]
            : [call('ask_sub', { input: 'what?' })],
    }));
    const recording = stage.record(way);
    const sub = new Agent({ name: 'Sub', instructions: 'Sub.' });
    const main = new Agent({
      name: 'Main',
      instructions: 'Main.',
      tools: [sub.asTool({ toolName: 'ask_sub', toolDescription: 'Asks' })],
    });
    await run(main, 'go');
    await until(isSettled(recording));
    expect(recording.runs()).toHaveLength(2);
    const parent = runOf(recording, 'Main');
    const child = runOf(recording, 'Sub');
    const toolStep = parent.steps.find(({ kind }) => kind === 'tool')!;
    expect(child.run).toMatchObject({
      parentRunId: parent.run.id,
      parentStepId: toolStep.id,
      rootRunId: parent.run.id,
    });
    expect(child.run).toMatchObject({ status: 'completed', endReason: 'ok' });
    expect(toTree(child)).toEqual(['phase Sub completed', '  model generate completed']);
    expect(recording.content(child.run.outputId)).toBe('42');
    if (way === 'everything') expect(recording.content(child.run.inputsId)).toBe('what?');
    expect(recording.runs().flatMap(({ attempts }) => attempts)).toHaveLength(3);
  },
);

describe.each(['everything', 'processor', 'hook'] as const)('side by side (%s)', (way) => {
  test.each([8, 64])('%i agents at once each keep to their own run', async (count) => {
    stage.server.script(async (asked) => {
      await new Promise((done) => setTimeout(done, Math.random() * 20));
      const name = asked.instructions!;
      return { output: hasResult(asked) ? [say(`done ${name}`)] : [call('ask', { input: name }, `call_${name}`)] };
    });
    const recording = stage.record(way);
    const ask = tool({
      name: 'ask',
      description: 'Asks',
      parameters: z.object({ input: z.string() }),
      execute: async ({ input }) => {
        await new Promise((done) => setTimeout(done, Math.random() * 10));
        return `answer for ${input}`;
      },
    });
    const names = Array.from({ length: count }, (_, index) => `agent-${index}`);
    await Promise.all(names.map((name) => run(new Agent({ name, instructions: name, tools: [ask] }), `I am ${name}`)));
    await until(isSettled(recording));
    expect(recording.runs()).toHaveLength(count);
    expect(captureOf(recording.recorder).book.size).toBe(0);
    for (const name of names) {
      const folded = runOf(recording, name);
      expect(toTree(folded)).toEqual([
        `phase ${name} completed`,
        '  model generate completed',
        '  tool ask completed',
        '  model generate completed',
      ]);
      expect(folded.run).toMatchObject({ status: 'completed', parentRunId: null });
      expect(folded.attempts).toHaveLength(2);
      expect(recording.content(folded.steps[2]!.resultId)).toBe(`answer for ${name}`);
      expect(recording.content(folded.run.outputId)).toBe(`done ${name}`);
    }
  });
});

test('runs inside one trace of the user share its name, session and trace id', async () => {
  stage.server.script(() => ({ output: [say('ok')] }));
  const recording = stage.record();
  const one = new Agent({ name: 'One', instructions: '1' });
  const two = new Agent({ name: 'Two', instructions: '2' });
  await withTrace('Both', () => Promise.all([run(one, 'a'), run(two, 'b')]), { groupId: 'g-1' });
  const [first, second] = [runOf(recording, 'One').run, runOf(recording, 'Two').run];
  expect([first.name, second.name, first.sessionId, second.sessionId]).toEqual(['Both', 'Both', 'g-1', 'g-1']);
  expect(first.traceId).toBe(second.traceId);
  expect(first.parentRunId).toBeNull();
});

test("inside the user's own run the agent's steps are that run's", async () => {
  stage.server.script(() => ({ output: [say('ok')] }));
  const recording = stage.record();
  await recording.recorder.run({ agentId: 'nightly' }, () => run(new Agent({ name: 'One' }), 'a'));
  const folded = recording.run();
  expect(folded.run.agentId).toBe('nightly');
  expect(toTree(folded)).toEqual(['phase One completed', '  model generate completed']);
});

test('a typed output is recorded as what it is, without running its schema again', async () => {
  stage.server.script(() => ({ output: [say('{"town":"Bern"}')] }));
  const recording = stage.record();
  let transforms = 0;
  const outputType = z.object({ town: z.string().refine(() => (transforms += 1) > 0) });
  await run(new Agent({ name: 'Typed', outputType }), 'which?');
  const before = transforms;
  const folded = recording.run();
  expect(recording.content(folded.run.outputId)).toEqual({ town: 'Bern' });
  expect(transforms).toBe(before);
  expect(before).toBeLessThan(3);
});

describe('where another recorder sees the HTTP of the process', () => {
  test.each([false, true])('an exchange is an attempt of the step that it belongs to (stream: %s)', async (stream) => {
    stage.server.script(() => ({ output: [say('Noon.')] }));
    const { recording: ambient, stop } = recordHttp();
    const own = createRecording();
    const undo = installAgents(own.recorder, { sdk });
    try {
      const agent = new Agent({ name: 'Clock', instructions: 'Answer.', model: 'gpt-5-mini' });
      const result = stream ? await run(agent, 'What time is it?', { stream }) : await run(agent, 'What time is it?');
      if ('completed' in result) await result.completed;
      await until(isSettled(own));
      expect(ambient.runs()).toEqual([]);
      expect(own.run().attempts.map(({ responseStatus }) => responseStatus)).toEqual([200]);
    } finally {
      undo();
      stop();
    }
  });
});
