import { afterEach, describe, expect, test } from 'vitest';
import type { Recording } from '../../../test/playback/recording.ts';
import type { Reply, SeenCall } from './claude.fixture.ts';
import { asks, executable, says } from './claude.fixture.ts';
import { readAll, setStage, strike } from './stage.fixture.ts';
import type { Seen } from './stage.fixture.ts';

afterEach(strike);

const half = (): Reply => says('half an ans', { stalls: true });
const again = (call: SeenCall): Reply =>
  asks([{ id: `toolu_${call.body.messages.length}`, name: 'Bash', input: { command: 'echo again' } }]);
const isText = (message: Seen): boolean =>
  message.type === 'stream_event' && (message['event'] as Seen).type === 'content_block_delta';

function expectCutOff(recording: Recording): void {
  const { run, steps } = recording.run();
  expect(run).toMatchObject({ endReason: 'cancelled', status: 'cancelled' });
  const [step] = steps;
  expect(step).toMatchObject({ kind: 'model', status: 'interrupted', usage: null });
  expect(recording.content(step!.responseId)).toEqual([{ type: 'text', text: 'half an ans' }]);
}

describe.skipIf(executable === null)('the end of a recorded query', { timeout: 30_000 }, () => {
  test('an AbortController cuts it off: cancelled, with the text so far and the same error', async () => {
    const { recording, recorded, options } = await setStage(half);
    const abortController = new AbortController();
    const asked = recorded({ prompt: 'Go.', options: { ...options, includePartialMessages: true, abortController } });
    const read = async (): Promise<void> => {
      for await (const message of asked) if (isText(message as Seen)) abortController.abort();
    };
    await expect(read()).rejects.toThrow('aborted by user');
    expectCutOff(recording);
  });

  test('interrupt() cuts the turn off, and what it spent is counted once', async () => {
    const { recording, recorded, options } = await setStage(half);
    const waiting = Promise.withResolvers<void>();
    async function* prompts() {
      yield { type: 'user' as const, message: { role: 'user' as const, content: 'Go.' }, parent_tool_use_id: null };
      await waiting.promise;
    }
    const asked = recorded({ prompt: prompts(), options: { ...options, includePartialMessages: true } });
    const read = async (): Promise<void> => {
      for await (const message of asked) {
        if (isText(message as Seen)) await asked.interrupt();
        if (message.type === 'result') waiting.resolve();
      }
    };
    await expect(read()).rejects.toThrow('result_type=user');
    expectCutOff(recording);
    const { run, steps } = recording.run();
    expect(recording.content(run.inputsId)).toBe('Go.');
    expect(steps.map(({ name }) => name)).toEqual([null, 'calls told only in sum']);
    expect(run.usage.input).toMatchObject({ total: 118, noCache: 100 });
  });

  test('a program that leaves the loop, or closes the query, has cancelled it', async () => {
    const { recording, recorded, options } = await setStage(half);
    for await (const message of recorded({ prompt: 'Go.', options: { ...options, includePartialMessages: true } })) {
      if (isText(message as Seen)) break;
    }
    expectCutOff(recording);
    const closed = await setStage(half);
    const asked = closed.recorded({ prompt: 'Go.', options: { ...closed.options, includePartialMessages: true } });
    for await (const message of asked) if (isText(message as Seen)) asked.close();
    expectCutOff(closed.recording);
  });

  test('a recorder that is closed ends it with the words so far', async () => {
    const { recording, recorded, options } = await setStage(half);
    const asked = recorded({ prompt: 'Go.', options: { ...options, includePartialMessages: true } });
    for await (const message of asked) {
      if (!isText(message as Seen)) continue;
      await recording.recorder.close();
      const { run, steps } = recording.run();
      expect(run).toMatchObject({ endReason: 'interrupted', status: 'failed' });
      expect(steps[0]!.status).toBe('interrupted');
      expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: 'half an ans' }]);
      break;
    }
    expect(recording.run().run.endReason).toBe('interrupted');
  });

  test('no turns left and no money left are told by their names', async () => {
    const turns = await setStage(again);
    await expect(
      readAll(turns.recorded({ prompt: 'Go.', options: { ...turns.options, maxTurns: 2 } })),
    ).rejects.toThrow('maximum number of turns');
    const { run } = turns.recording.run();
    expect(run).toMatchObject({ endReason: 'error', errorCode: 'error_max_turns' });
    const money = await setStage(again);
    const options = { ...money.options, maxBudgetUsd: 0.0001 };
    await expect(readAll(money.recorded({ prompt: 'Go.', options }))).rejects.toThrow('maximum budget');
    expect(money.recording.run().run).toMatchObject({ endReason: 'budget_exceeded', status: 'failed' });
  });

  test('tries that fail are attempts of the call, and a refusal of the provider is its error', async () => {
    let calls = 0;
    const { recording, recorded, options } = await setStage(() => {
      calls += 1;
      return calls < 2 ? { status: 529, error: 'overloaded_error' } : { status: 400, error: 'invalid_request_error' };
    });
    await expect(readAll(recorded({ prompt: 'Go.', options }))).rejects.toThrow('400 no good');
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ endReason: 'error', errorCode: 'api_error', errorDetail: 'API Error: 400 no good' });
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'error', error: { message: 'API Error: 400 no good' }, usage: null });
    expect(attempts.map(({ status, retryClass, responseStatus }) => [status, retryClass, responseStatus])).toEqual([
      ['failed', 'overloaded', 529],
      ['failed', null, null],
    ]);
    expect(attempts[0]!.retryDelayMs).toBeGreaterThan(0);
  });

  test('an executable that cannot be started is an error, thrown unchanged', async () => {
    const { recording, recorded, options } = await setStage(half);
    const asked = recorded({ prompt: 'Go.', options: { ...options, pathToClaudeCodeExecutable: '/nowhere/claude' } });
    await expect(readAll(asked)).rejects.toThrow('/nowhere/claude');
    expect(recording.run().run).toMatchObject({ endReason: 'error', status: 'failed' });
  });
});
