import { createSdkMcpServer, query, tool } from '@anthropic-ai/claude-agent-sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createRecorder } from '../../core/record/recorder.ts';
import type { Recorder } from '../../core/record/recording.ts';
import type { SeenCall } from './claude.fixture.ts';
import { asks, executable, says } from './claude.fixture.ts';
import { recordQuery } from './index.ts';
import { readAll, setStage, strike } from './stage.fixture.ts';

afterEach(strike);

const hasResult = (call: SeenCall): boolean => call.said.includes('tool_result');
const bash = (id: string, command: string) => ({ id, name: 'Bash', input: { command, description: 'x' } });

const twoTools = (call: SeenCall) =>
  hasResult(call)
    ? says('All done.')
    : asks([bash('toolu_a', 'echo hi'), bash('toolu_b', 'ls /nope-x')], { input: 300, output: 50 });

describe.skipIf(executable === null)('a recorded query', { timeout: 30_000 }, () => {
  test('is one run of its session with a step for each call of the model and of a tool', async () => {
    const { recording, recorded, options } = await setStage(twoTools, { agentId: 'looker', callerId: 'ann' });
    const messages = await readAll(recorded({ prompt: 'Say hi.', options: { ...options, systemPrompt: 'Be brief.' } }));
    const { run, steps, attempts } = recording.run();
    const result = messages.at(-1)!;
    expect(run).toMatchObject({
      agentId: 'looker',
      callerId: 'ann',
      capture: 'claude-agent',
      sessionId: result['session_id'],
      endReason: 'ok',
      model: 'claude-opus-5-5',
    });
    expect(recording.content(run.inputsId)).toBe('Say hi.');
    expect(recording.content(run.outputId)).toBe('All done.');
    expect(steps.map(({ kind, status, callId }) => [kind, status, callId])).toEqual([
      ['model', 'completed', null],
      ['tool', 'completed', 'toolu_a'],
      ['tool', 'error', 'toolu_b'],
      ['model', 'completed', null],
    ]);
    const [first, good, bad, last] = steps;
    expect([good!.parentStepId, bad!.parentStepId]).toEqual([first!.id, first!.id]);
    expect(good).toMatchObject({ name: 'Bash', resultStatus: 'success', observedAfter: false });
    expect(recording.content(good!.argsId)).toEqual({ command: 'echo hi', description: 'x' });
    expect(recording.content(good!.resultId)).toMatchObject({ stdout: 'hi' });
    expect(bad!.error!.message).toContain('No such file');
    expect(first).toMatchObject({
      observedAfter: true,
      providerResponseId: 'msg_1',
      finishReason: { unified: 'tool-calls', raw: 'tool_use' },
      usage: { input: { total: 318, noCache: 300, cacheRead: 11, cacheWrite: 7 }, output: { total: 50 } },
    });
    expect(first!.timeToFirstTokenMs).toBeGreaterThan(0);
    expect(recording.messages(first!)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Say hi.' },
    ]);
    // Results come in the order in which the tools were done.
    const heard = recording.messages(last!) as { role: string; content: { tool_use_id: string }[] }[];
    expect(heard.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'user']);
    expect(
      heard
        .slice(3)
        .map(({ content }) => content[0]!.tool_use_id)
        .toSorted(),
    ).toEqual(['toolu_a', 'toolu_b']);
    expect(last!.prefixBreak).toBeNull();
    expect(attempts.map(({ status, providerRequestId }) => [status, providerRequestId])).toEqual([
      ['completed', 'req_msg_1'],
      ['completed', 'req_msg_2'],
    ]);
    expect(recording.everything()).not.toContain('sk-ant-hidden');
    expect(recording.complaints).toEqual([]);
  });

  test('gives the program what an unrecorded one gives, and parts of streams only when asked', async () => {
    const { recorded, options } = await setStage((call) =>
      hasResult(call)
        ? {
            blocks: [
              { type: 'thinking', thinking: 'hm' },
              { type: 'text', text: 'Done.' },
            ],
          }
        : asks([bash('toolu_a', 'echo hi')]),
    );
    const shape = (messages: readonly object[]): unknown[] =>
      messages.map((message) => [(message as { type: string }).type, Object.keys(message).toSorted()]);
    for (const more of [{}, { includePartialMessages: true }]) {
      const bare = await readAll(query({ prompt: 'Go.', options: { ...options, ...more } }));
      const seen = await readAll(recorded({ prompt: 'Go.', options: { ...options, ...more } }));
      expect(shape(seen)).toEqual(shape(bare));
      expect(seen.some(({ type }) => type === 'stream_event')).toBe('includePartialMessages' in more);
    }
  });

  test('a tool call is in the journal before the tool runs (I3), and its own hooks decide as before', async () => {
    const { recording, recorded, options } = await setStage((call) =>
      hasResult(call)
        ? says('Done.')
        : asks([
            { id: 'toolu_in', name: 'mcp__own__peek', input: { at: 'x' } },
            bash('toolu_no', 'touch no'),
            bash('toolu_yes', 'touch yes'),
          ]),
    );
    const before: unknown[] = [];
    const peek = tool('peek', 'looks', { at: z.string() }, async () => {
      const { steps } = recording.run();
      before.push(steps.filter(({ callId }) => callId === 'toolu_in').map(({ status }) => status));
      return { content: [{ type: 'text', text: 'seen' }] };
    });
    const asked: unknown[] = [];
    const own = async (input: object): Promise<object> => {
      const { tool_name: name, tool_input: args } = input as { tool_name: string; tool_input: { command?: string } };
      asked.push(name);
      return args.command === 'touch no'
        ? {
            hookSpecificOutput: {
              hookEventName: 'PreToolUse',
              permissionDecision: 'deny',
              permissionDecisionReason: 'house rule',
            },
          }
        : {};
    };
    await readAll(
      recorded({
        prompt: 'Go.',
        options: {
          ...options,
          allowedTools: ['mcp__own__peek'],
          mcpServers: { own: createSdkMcpServer({ name: 'own', version: '1', tools: [peek] }) },
          hooks: { PreToolUse: [{ hooks: [own] }] },
          canUseTool: async () => ({ behavior: 'deny', message: 'not today' }),
        },
      }),
    );
    expect(before).toEqual([['in_progress']]);
    expect(asked.length).toBe(3);
    const { steps } = recording.run();
    const byCall = Object.fromEntries(steps.filter(({ kind }) => kind === 'tool').map((step) => [step.callId, step]));
    expect(byCall['toolu_in']).toMatchObject({ name: 'mcp__own__peek', resultStatus: 'success', status: 'completed' });
    expect(byCall['toolu_no']).toMatchObject({ resultStatus: 'blocked', status: 'completed', wasBlocked: true });
    expect(byCall['toolu_no']!.error!.message).toContain('house rule');
    expect(byCall['toolu_yes']).toMatchObject({ resultStatus: 'blocked', error: { message: 'not today' } });
  });

  test('has the methods of the query, and is the query itself when nothing is recorded', async () => {
    const { recorded, options } = await setStage(() => says('Hi.'));
    const asked = recorded({ prompt: 'Go.', options });
    expect(asked[Symbol.asyncIterator]()).toBe(asked);
    expect((await asked.supportedModels()).length).toBeGreaterThan(0);
    expect(asked.supportedModels).toBe(asked.supportedModels);
    await readAll(asked);
    expect(recordQuery(query, createRecorder({ journal: null }))).toBe(query);
  });

  test('a recorder that breaks touches nothing (I1)', async () => {
    const { provider, options } = await setStage(twoTools);
    const broken = new Proxy({} as Recorder, {
      get: (_target, name) => {
        if (name === 'recording') return true;
        if (name === 'current' || name === 'currentStep') return () => null;
        throw new Error('broken');
      },
    });
    const complaints: unknown[] = [];
    const onError = (error: unknown): never => {
      complaints.push(error);
      throw new Error('so is this');
    };
    const messages = await readAll(recordQuery(query, broken, { onError })({ prompt: 'Go.', options }));
    expect(messages.at(-1)).toMatchObject({ subtype: 'success', result: 'All done.' });
    expect(complaints.length).toBeGreaterThan(0);
    expect(provider.calls).toHaveLength(2);
  });

  test('eight at once keep their records and their parents apart', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `town-${index}`);
    const nameOf = (call: SeenCall): string => names.find((name) => call.said.includes(name))!;
    const { recording, recorded, options } = await setStage((call) => {
      const name = nameOf(call);
      if (hasResult(call)) return says(`done ${name}`);
      return asks([bash(`toolu_${name}_1`, `echo one ${name}`), bash(`toolu_${name}_2`, `echo two ${name}`)]);
    });
    const { recorder } = recording;
    await recorder.run({ agentId: 'mayor' }, async () => {
      await Promise.all(
        names.map((name) =>
          recorder.run({ agentId: name, name }, () => readAll(recorded({ prompt: `Look at ${name}.`, options }))),
        ),
      );
    });
    const runs = recording.runs();
    expect(runs).toHaveLength(17);
    const sessions = new Set<string | null>();
    for (const name of names) {
      const outer = runs.find(({ run }) => run.name === name)!.run;
      const own = runs.filter(({ run }) => run.parentRunId === outer.id);
      expect(own).toHaveLength(1);
      const [{ run, steps }] = own as [(typeof own)[number]];
      sessions.add(run.sessionId);
      expect(recording.content(run.outputId)).toBe(`done ${name}`);
      expect(steps.map(({ kind }) => kind).toSorted()).toEqual(['model', 'model', 'tool', 'tool']);
      const [model] = steps;
      for (const step of steps.filter(({ kind }) => kind === 'tool')) {
        expect([step.parentStepId, step.callId!.startsWith(`toolu_${name}_`)]).toEqual([model!.id, true]);
        expect(recording.content(step.resultId)).toMatchObject({ stdout: expect.stringContaining(name) });
      }
      const words = JSON.stringify(steps.flatMap((step) => recording.messages(step)));
      expect(names.filter((other) => words.includes(other))).toEqual([name]);
    }
    expect(sessions.size).toBe(8);
    expect(recording.complaints).toEqual([]);
  });
});
