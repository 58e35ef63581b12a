import { afterEach, describe, expect, test } from 'vitest';
import { executable, says } from './claude.fixture.ts';
import { setStage, strike } from './stage.fixture.ts';

afterEach(strike);

describe.skipIf(executable === null)('compaction in a recorded query', { timeout: 30_000 }, () => {
  test('is a phase, its own calls are counted, and the conversation begins anew with the summary', async () => {
    const { recording, recorded, options } = await setStage((call) =>
      call.said.includes('Two.') ? says('Two it is.') : says('A word.'),
    );
    const turns: (() => void)[] = [];
    async function* prompts() {
      for (const content of ['One.', '/compact', 'Two.']) {
        yield { type: 'user' as const, message: { role: 'user' as const, content }, parent_tool_use_id: null };
        await new Promise<void>((done) => void turns.push(done));
      }
    }
    const said: string[] = [];
    for await (const message of recorded({ prompt: prompts(), options })) {
      said.push(JSON.stringify(message));
      if (message.type === 'result') turns.shift()!();
    }
    const { run, steps } = recording.run();
    expect(run.endReason).toBe('ok');
    expect(steps.map(({ kind, name, status }) => [kind, name, status])).toEqual([
      ['model', null, 'completed'],
      ['phase', 'compaction', 'completed'],
      ['model', 'calls told only in sum', 'completed'],
      ['model', null, 'completed'],
    ]);
    expect(recording.content(steps[1]!.resultId)).toMatchObject({ trigger: 'manual', pre_tokens: 138 });
    expect(steps[2]!.usage).toMatchObject({ input: { noCache: 200 }, output: { total: 40 } });
    const heard = recording.messages(steps[3]!) as { role: string; content: string }[];
    expect(heard[0]!.content).toContain('A word.');
    expect(heard.at(-1)).toEqual({ role: 'user', content: 'Two.' });
    expect(steps[3]!.prefixBreak).toMatchObject({ atIndex: 0 });
    // Hooks would have left a line of their own in what the user is told.
    expect(said.filter((line) => line.includes('Compacted')).join('')).not.toContain('callback');
  });
});
