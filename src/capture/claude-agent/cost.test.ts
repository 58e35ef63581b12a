import { afterEach, describe, expect, test } from 'vitest';
import type { FoldedRun } from '../../core/import/fold.ts';
import { addUsage, unknownUsage } from '../../core/model/usage.ts';
import type { Reply, SeenCall } from './claude.fixture.ts';
import { asks, executable, says } from './claude.fixture.ts';
import { pricedRuns, readAll, setStage, strike } from './stage.fixture.ts';
import type { Seen } from './stage.fixture.ts';

afterEach(strike);

function script(call: SeenCall): Reply {
  const isBack = call.said.includes('tool_result');
  if (call.agentId !== null) {
    return isBack
      ? says('found', { input: 1000, output: 70 })
      : asks([{ id: 'toolu_sub', name: 'Bash', input: { command: 'echo sub' } }], { input: 900, output: 60 });
  }
  const input = { description: 'd', prompt: 'find', subagent_type: 'general-purpose', run_in_background: false };
  return isBack ? says('Done.', { input: 400, output: 30 }) : asks([{ id: 'toolu_task', name: 'Task', input }]);
}

interface Told {
  readonly total_cost_usd: number;
  readonly modelUsage: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

function totalsOf(runs: readonly FoldedRun[]): { nanoUsd: number | null; input: number | null; output: number | null } {
  const usage = runs.map(({ run }) => run.usage).reduce(addUsage, unknownUsage);
  const costs = runs.map(({ run }) => run.costNanoUsd);
  const nanoUsd = costs.includes(null) ? null : costs.reduce<number>((sum, cost) => sum + cost!, 0);
  return { nanoUsd, input: usage.input.noCache, output: usage.output.total };
}

const told = (messages: readonly Seen[]): Told => messages.findLast(({ type }) => type === 'result') as unknown as Told;

describe.skipIf(executable === null)('tokens and cost of a recorded query', { timeout: 30_000 }, () => {
  test.each([
    ['each main call by itself, those of subagents in sum', {}, [null, 'toolu_task', null, 'sum']],
    ['all in sum where no parts are told', { partialMessages: false }, [null, 'toolu_task', null, 'sum']],
  ])('are those that the SDK sums up, once: %s', async (_name, more, kinds) => {
    const { recording, recorded, options } = await setStage(script, more);
    const result = told(await readAll(recorded({ prompt: 'Find.', options })));
    const runs = pricedRuns(recording);
    const entry = Object.values(result.modelUsage)[0]!;
    expect(entry).toMatchObject({ inputTokens: 2400, outputTokens: 180 });
    expect(totalsOf(runs)).toEqual({
      nanoUsd: Math.round(result.total_cost_usd * 1e9),
      input: entry['inputTokens'],
      output: entry['outputTokens'],
    });
    const [main, sub] = runs;
    const named = main!.steps.map(({ name, callId }) => callId ?? (name === null ? null : 'sum'));
    expect(named).toEqual(kinds);
    const steps = main!.steps.filter(({ kind, name }) => kind === 'model' && name === null);
    const isExact = !('partialMessages' in more);
    expect(steps.map(({ usage }) => usage?.output.total ?? null)).toEqual(isExact ? [20, 30] : [null, null]);
    // What is counted elsewhere says so, and an estimate is called one: the SDK's own sum is no bill.
    for (const step of sub!.steps.filter(({ kind }) => kind === 'model')) expect(step.cost!.status).toBe('included');
    expect(main!.steps.at(-1)!.cost!.status).toBe('estimated');
    expect(recording.everything()).toContain('"total_cost_usd"');
  });

  test('a resumed session is the same session, and what it spent before is not counted again', async () => {
    const { recording, recorded, options } = await setStage(() => says('Hi.', { input: 250, output: 10 }));
    const first = await readAll(recorded({ prompt: 'One.', options }));
    const resume = first.at(-1)!['session_id'] as string;
    const second = await readAll(recorded({ prompt: 'Two.', options: { ...options, resume } }));
    expect(second.at(-1)!['session_id']).toBe(resume);
    const runs = pricedRuns(recording);
    expect(runs.map(({ run }) => [run.sessionId, run.usage.input.noCache, run.usage.output.total])).toEqual([
      [resume, 250, 10],
      [resume, 250, 10],
    ]);
    expect(runs.every(({ steps }) => steps.length === 1)).toBe(true);
  });

  test('several turns of one query are counted once, with sums that grow', async () => {
    const { recording, recorded, options } = await setStage((call) =>
      call.agentId !== null || call.said.includes('Two.') ? script(call) : says('Hi.', { input: 250, output: 10 }),
    );
    const turns: (() => void)[] = [];
    async function* prompts() {
      for (const content of ['One.', 'Two.']) {
        yield { type: 'user' as const, message: { role: 'user' as const, content }, parent_tool_use_id: null };
        await new Promise<void>((done) => void turns.push(done));
      }
    }
    const all: Seen[] = [];
    for await (const message of recorded({ prompt: prompts(), options })) {
      all.push(message as Seen);
      if (message.type === 'result') turns.shift()!();
    }
    const result = told(all);
    const { nanoUsd, input } = totalsOf(pricedRuns(recording));
    expect([nanoUsd, input]).toEqual([Math.round(result.total_cost_usd * 1e9), 2650]);
    const [main] = recording.runs();
    expect(recording.messages(main!.steps[1]!)).toMatchObject([
      { role: 'user', content: 'One.' },
      { role: 'assistant' },
      { role: 'user', content: 'Two.' },
    ]);
  });
});
