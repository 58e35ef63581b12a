import { query, startup } from '@anthropic-ai/claude-agent-sdk';
import { afterEach, describe, expect, test } from 'vitest';
import type { SeenCall } from './claude.fixture.ts';
import { asks, executable, says } from './claude.fixture.ts';
import { tachographHooks } from './index.ts';
import { readAll, setStage, strike } from './stage.fixture.ts';

afterEach(strike);

const bash = (id: string, command: string) => ({ id, name: 'Bash', input: { command, description: 'x' } });
const task = {
  id: 'toolu_task',
  name: 'Task',
  input: { description: 'd', prompt: 'p', subagent_type: 'general-purpose', run_in_background: false },
};

const script = (call: SeenCall) => {
  if (call.said.includes('tool_result')) return says(call.agentId === null ? 'Done.' : 'found');
  return call.agentId === null ? asks([bash('toolu_a', 'ls /nope-x'), task]) : asks([bash('toolu_sub', 'echo sub')]);
};

describe.skipIf(executable === null)('hooks alone', { timeout: 30_000 }, () => {
  test('record a run for each turn, its tools and subagents, for any number of queries', async () => {
    const { recording, options } = await setStage(script);
    const hooks = tachographHooks(recording.recorder, { agentId: 'warm' });
    const ask = () => readAll(query({ prompt: 'Go.', options: { ...options, hooks } }));
    await Promise.all([ask(), ask()]);
    const warm = await startup({ options: { ...options, hooks } });
    await readAll(warm.query('Go on.'));
    const runs = recording.runs();
    expect(runs).toHaveLength(6);
    const mains = runs.filter(({ run }) => run.parentRunId === null);
    expect(new Set(mains.map(({ run }) => run.sessionId)).size).toBe(3);
    for (const { run, steps } of mains) {
      expect(run).toMatchObject({ agentId: 'warm', endReason: 'ok', capture: 'claude-agent' });
      expect(recording.content(run.outputId)).toBe('Done.');
      expect(steps.map(({ kind, callId, status }) => [kind, callId, status])).toEqual([
        ['tool', 'toolu_a', 'error'],
        ['tool', 'toolu_task', 'completed'],
      ]);
      const subs = runs.filter((one) => one.run.parentRunId === run.id);
      expect(subs.map((one) => [one.run.parentStepId, one.run.endReason, one.steps[0]!.callId])).toEqual([
        [steps[1]!.id, 'ok', 'toolu_sub'],
      ]);
    }
    expect(mains.map(({ run }) => recording.content(run.inputsId)).toSorted()).toEqual(['Go on.', 'Go.', 'Go.']);
    expect(recording.complaints).toEqual([]);
  });

  test('a turn that the provider ended in an error has its words', async () => {
    const { recording, options } = await setStage(() => ({ status: 400, error: 'invalid_request_error' }));
    const hooks = tachographHooks(recording.recorder);
    await expect(readAll(query({ prompt: 'Go.', options: { ...options, hooks } }))).rejects.toThrow('no good');
    const { run } = recording.run();
    expect(run).toMatchObject({ agentId: 'claude-agent', endReason: 'error' });
    expect(run.errorDetail).toContain('no good');
  });
});
