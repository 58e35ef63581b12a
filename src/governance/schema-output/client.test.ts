import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSettled, until } from '../../../test/playback/loopback.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import type { Answer, PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import { openaiFetch } from '../../capture/openai/index.ts';
import type { ModelRequest } from './index.ts';
import { generateWithSchema, outcomeToRunClose } from './index.ts';
import { verdictsOf } from './schema-output.fixture.ts';

// The client of OpenAI against a server on loopback, in the two ways in which a try can be recorded.

let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());

const schema = {
  type: 'object',
  properties: { total: { type: 'number' } },
  required: ['total'],
  additionalProperties: false,
};
const messages = [{ role: 'user', content: 'What does order 4417 come to?' }];

const chat = (content: string, tokens: number): Answer => ({
  body: {
    ...{ id: `chatcmpl-${tokens}`, object: 'chat.completion', created: 0, model: 'gpt-9-served' },
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: tokens, completion_tokens: 5, total_tokens: tokens + 5 },
  },
});
const answers = [
  chat('{"total":"34.90"}', 100),
  { status: 429, body: { error: { message: 'slow down' } }, headers: { 'retry-after-ms': '2' } },
  chat('I believe it is {"total":34.9} euros', 140),
];

function stage() {
  const recording = createRecording();
  const baseURL = server.script(answers);
  const client = new OpenAI({ baseURL, apiKey: 'sk-hidden-key-000000', fetch: openaiFetch(recording.recorder) });
  const call = async ({ messages: asked, signal }: ModelRequest) => {
    const response_format = {
      type: 'json_schema',
      json_schema: { name: 'order', schema: schema as Record<string, unknown> },
    } as const;
    const { choices, usage, model } = await client.chat.completions.create(
      { model: 'gpt-9', messages: asked as OpenAI.ChatCompletionMessageParam[], response_format },
      { signal },
    );
    return {
      text: choices[0]!.message.content ?? '',
      usage: { input: usage!.prompt_tokens, output: usage!.completion_tokens },
      ...{ model, finishReason: choices[0]!.finish_reason },
    };
  };
  return { recording, baseURL, call };
}

describe('a real client', () => {
  test('whose capture records it: one step a try, its usage and retries in it', async () => {
    const { recording, baseURL, call } = stage();
    const outcome = await recording.recorder.run({ agentId: 'reader' }, async (run) => {
      const found = await generateWithSchema<{ total: number }>({ schema, messages, call, run, recordedBy: 'capture' });
      await until(isSettled(recording));
      expect(run.usage()).toMatchObject({ input: { total: 240 }, output: { total: 10 } });
      run.close(outcomeToRunClose(found));
      return found;
    });
    expect(outcome).toMatchObject({ ok: true, value: { total: 34.9 }, tries: 2, usage: { input: { total: 240 } } });
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ endReason: 'ok', usage: { input: { total: 240 }, output: { total: 10 } } });
    expect(steps.map(({ status, model, attemptCount }) => [status, model, attemptCount])).toEqual([
      ['completed', 'gpt-9-served', 1],
      ['completed', 'gpt-9-served', 2],
    ]);
    expect(attempts.map(({ responseStatus }) => responseStatus)).toEqual([200, 429, 200]);
    const sent = JSON.parse(server.requests(baseURL).at(-1)!.body) as { messages: { role: string; content: string }[] };
    expect(sent.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(sent.messages[2]!.content).toContain('- /total must be number');
    expect(recording.messages(steps[1]!)).toEqual(sent.messages);
    expect(verdictsOf(recording).map(({ isValid, wrapping }) => [isValid, wrapping])).toEqual([
      [false, null],
      [true, 'text'],
    ]);
    expect(recording.everything()).not.toContain('sk-hidden');
    expect(recording.complaints).toEqual([]);
  });

  test('whose try is recorded here: the exchanges are attempts of its step', async () => {
    const { recording, call } = stage();
    const run = recording.recorder.startRun({ agentId: 'reader' });
    const outcome = await generateWithSchema({ schema, messages, call, run, step: { model: 'gpt-9' } });
    await until(isSettled(recording));
    run.close(outcomeToRunClose(outcome));
    const { run: view, steps, attempts } = recording.run();
    expect(steps.map(({ status, model, attemptCount }) => [status, model, attemptCount])).toEqual([
      ['completed', 'gpt-9-served', 1],
      ['completed', 'gpt-9-served', 2],
    ]);
    expect(attempts.map(({ stepId }) => steps.findIndex(({ id }) => id === stepId))).toEqual([0, 1, 1]);
    expect(view).toMatchObject({
      endReason: 'ok',
      usage: { input: { total: 240 }, output: { total: 10 }, requests: 2 },
    });
    expect(outcome.usage).toEqual(view.usage);
  });
});
