import { afterEach, describe, expect, test } from 'vitest';
import type { Reply, SeenCall } from './claude.fixture.ts';
import { asks, executable, says } from './claude.fixture.ts';
import { readAll, setStage, strike } from './stage.fixture.ts';

afterEach(strike);

const names = ['alpha', 'beta', 'gamma'];
const task = (name: string): { id: string; name: string; input: object } => ({
  id: `toolu_task_${name}`,
  name: 'Task',
  input: {
    description: `look at ${name}`,
    prompt: `LOOK-${name}`,
    subagent_type: 'general-purpose',
    run_in_background: false,
  },
});

function script(call: SeenCall): Reply {
  if (call.agentId === null) return call.said.includes('tool_result') ? says('All back.') : asks(names.map(task));
  const name = names.find((one) => call.said.includes(`LOOK-${one}`))!;
  if (call.said.includes('tool_result')) return says(`report ${name}`);
  return asks([{ id: `toolu_sub_${name}`, name: 'Bash', input: { command: `echo in ${name}`, description: 'x' } }]);
}

describe.skipIf(executable === null)('subagents of a recorded query', { timeout: 30_000 }, () => {
  test('are runs under the tool calls that started them, each with its own', async () => {
    const { recording, recorded, options } = await setStage(script, { agentId: 'boss', callerId: 'ann' });
    await readAll(recorded({ prompt: 'Delegate.', options: { ...options, forwardSubagentText: true } }));
    const [main, ...subagents] = recording.runs();
    expect(subagents).toHaveLength(3);
    for (const name of names) {
      const call = main!.steps.find(({ callId }) => callId === `toolu_task_${name}`)!;
      const { run, steps } = subagents.find(({ run: { parentStepId } }) => parentStepId === call.id)!;
      expect(run).toMatchObject({
        agentId: 'general-purpose',
        callerId: 'ann',
        sessionId: main!.run.sessionId,
        parentRunId: main!.run.id,
        rootRunId: main!.run.id,
        name: `look at ${name}`,
        endReason: 'ok',
      });
      expect(recording.content(run.inputsId)).toBe(`LOOK-${name}`);
      expect(recording.content(run.outputId)).toBe(`report ${name}`);
      const tools = steps.filter(({ kind }) => kind === 'tool');
      const models = steps.filter(({ kind }) => kind === 'model');
      expect([tools.map(({ callId }) => callId), models.length]).toEqual([[`toolu_sub_${name}`], 2]);
      expect(tools[0]).toMatchObject({ status: 'completed', late: false });
      // A machine that is busy for longer than the hook waits has the call before the answer that asks for it.
      expect([models[0]!.id, null]).toContain(tools[0]!.parentStepId);
      const words = JSON.stringify(recording.messages(models[1]!));
      expect(names.filter((one) => words.includes(`LOOK-${one}`))).toEqual([name]);
    }
    expect(main!.steps.filter(({ kind }) => kind === 'tool').map(({ status }) => status)).toEqual([
      'completed',
      'completed',
      'completed',
    ]);
    expect(recording.complaints).toEqual([]);
  });

  test('of a program that is slow to read hang under the right run, and never under a wrong call', async () => {
    const { recording, recorded, options } = await setStage(script);
    for await (const message of recorded({ prompt: 'Delegate.', options })) {
      if (message.type === 'assistant') await new Promise((done) => setTimeout(done, 40));
    }
    const [main, ...subagents] = recording.runs();
    expect(subagents).toHaveLength(3);
    for (const { run, steps } of subagents) {
      expect([run.parentRunId, run.endReason]).toEqual([main!.run.id, 'ok']);
      const name = names.find((one) => steps.some(({ callId }) => callId === `toolu_sub_${one}`))!;
      const call = main!.steps.find(({ callId }) => callId === `toolu_task_${name}`)!;
      expect([call.id, null]).toContain(run.parentStepId);
      expect(recording.content(run.outputId)).toBe(`report ${name}`);
    }
  });

  test('in the background outlive the turn that started them, and are counted with the turn that ends them', async () => {
    const input = { description: 'd', prompt: 'p', subagent_type: 'general-purpose', run_in_background: true };
    const { recording, recorded, options } = await setStage((call) => {
      const isBack = call.said.includes('tool_result');
      if (call.agentId === null) return isBack ? says('Main says.') : asks([{ id: 'toolu_task', name: 'Task', input }]);
      return isBack ? says('report') : asks([{ id: 'toolu_sub', name: 'Bash', input: { command: 'sleep 0.2' } }]);
    });
    const messages = await readAll(recorded({ prompt: 'Go.', options }));
    const [main, sub] = recording.runs();
    const call = main!.steps.find(({ callId }) => callId === 'toolu_task')!;
    expect(sub!.run).toMatchObject({ parentStepId: call.id, endReason: 'ok', sessionId: main!.run.sessionId });
    expect(recording.content(sub!.run.outputId)).toBe('report');
    expect(sub!.steps.find(({ callId }) => callId === 'toolu_sub')).toMatchObject({ status: 'completed', late: false });
    expect(main!.run.endReason).toBe('ok');
    const { modelUsage } = messages.findLast(({ type }) => type === 'result') as never;
    const [sum] = Object.values(modelUsage) as { inputTokens: number; outputTokens: number }[];
    const { input: read, output } = main!.run.usage;
    expect([read.noCache, output.total]).toEqual([sum!.inputTokens, sum!.outputTokens]);
  });
});
