import * as sdk from '@openai/agents';
import { Agent, OpenAIChatCompletionsModel, run, withTrace } from '@openai/agents';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSettled, until } from '../../../test/playback/loopback.ts';
import type { PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';
import { recordModel } from './index.ts';
import { call, hasResult, say } from './responses-server.fixture.ts';
import { add, createAgentsStage, runOf, toTree } from './stage.fixture.ts';

const stage = createAgentsStage();
let chat: PlaybackServer;
beforeAll(async () => void (chat = await createPlaybackServer()));
afterAll(() => chat.close());

const sound = { data: Buffer.from('beep').toString('base64'), format: 'wav' };

test('spans of the user and of voice are steps of their kind; sound is a digest', async () => {
  const recording = stage.record('processor');
  await withTrace('Voice', () =>
    sdk.withCustomSpan(
      async () => {
        await sdk.withTranscriptionSpan(async (span) => void (span.spanData.output = 'hello'), {
          data: { input: sound, model: 'whisper' },
        });
        await sdk.withSpeechSpan(async () => undefined, { data: { input: 'hi', output: sound, model: 'tts' } });
        await sdk.withMCPListToolsSpan(async (span) => void (span.spanData.result = ['a', 'b']), {
          data: { server: 'files' },
        });
      },
      { data: { name: 'call', data: { caller: 7 } } },
    ),
  );
  const folded = recording.run();
  expect(folded.run).toMatchObject({ agentId: 'Voice', status: 'completed' });
  expect(toTree(folded)).toEqual([
    'phase call completed',
    '  model transcribe completed',
    '  model speech completed',
    '  phase files completed',
  ]);
  const [custom, heard, spoken, listed] = folded.steps;
  const file = { type: 'file', mediaType: 'audio/wav', bytes: 4 };
  expect(recording.content(custom!.resultId)).toEqual({ caller: 7 });
  expect(recording.content(heard!.requestId)).toMatchObject(file);
  expect(recording.content(heard!.responseId)).toEqual([{ type: 'text', text: 'hello' }]);
  expect(recording.content(spoken!.responseId)).toMatchObject([file]);
  expect(recording.content(listed!.resultId)).toEqual(['a', 'b']);
  expect(recording.everything()).not.toContain(sound.data);
});

test('an error inside a span is the error of its step and of the run that was begun for it', async () => {
  const recording = stage.record('processor');
  const work = withTrace('Jobs', () =>
    sdk.withCustomSpan(() => Promise.reject(new RangeError('too far')), { data: { name: 'job', data: {} } }),
  );
  await expect(work).rejects.toThrow('too far');
  const { run: view, steps } = recording.run();
  expect(view).toMatchObject({ agentId: 'Jobs', status: 'failed' });
  expect(steps[0]!.error!.message).toBe('too far');
});

test('an agent inside a span of the user is a child run of it', async () => {
  stage.server.script(() => ({ output: [say('ok')] }));
  const recording = stage.record();
  await withTrace('Jobs', () =>
    sdk.withCustomSpan(() => run(new Agent({ name: 'One' }), 'go'), { data: { name: 'job', data: {} } }),
  );
  const [jobs, one] = [runOf(recording, 'Jobs'), runOf(recording, 'One')];
  expect(one.run).toMatchObject({ parentRunId: jobs.run.id, parentStepId: jobs.steps[0]!.id, status: 'completed' });
  expect(jobs.run.status).toBe('completed');
});

test.each(['everything', 'processor', 'hook'] as const)(
  'without spans of tasks and turns the run is the same (%s)',
  async (way) => {
    stage.server.script((asked) => ({
      output: hasResult(asked) ? [say('It is 3.')] : [call('add', { a: 1, b: 2 })],
    }));
    const recording = stage.record(way);
    const agent = new Agent({ name: 'Adder', tools: [add] });
    await run(agent, 'go', { tracing: { includeTaskAndTurnSpans: false } });
    await until(isSettled(recording));
    const folded = recording.run();
    expect(toTree(folded)).toEqual([
      'phase Adder completed',
      '  model generate completed',
      '  tool add completed',
      '  model generate completed',
    ]);
    expect(folded.run).toMatchObject({ agentId: 'Adder', status: 'completed' });
    expect(recording.content(folded.steps[2]!.argsId)).toEqual({ a: 1, b: 2 });
    stage.server.script(() => ({ status: 400, message: 'no' }));
    await expect(run(agent, 'go', { tracing: { includeTaskAndTurnSpans: false } })).rejects.toThrow();
    await until(isSettled(recording));
    expect(recording.runs().map(({ run: view }) => view.status)).toEqual(['completed', 'failed']);
  },
);

const completion = (message: object, finish_reason: string): object => ({
  body: {
    ...{ id: 'c1', object: 'chat.completion', created: 1, model: 'other-model-1' },
    choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason }],
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25, prompt_tokens_details: { cached_tokens: 8 } },
  },
});

test.each(['wrapped', 'processor'] as const)(
  'a model object that speaks chat completions is recorded (%s)',
  async (way) => {
    const asks = { tool_calls: [{ id: 'k', type: 'function', function: { name: 'add', arguments: '{"a":1,"b":2}' } }] };
    const baseURL = chat.script([completion(asks, 'tool_calls'), completion({ content: 'Three.' }, 'stop')]);
    const recording = stage.record(way === 'wrapped' ? 'everything' : 'processor');
    const model = new OpenAIChatCompletionsModel(new OpenAI({ apiKey: 'k', baseURL }) as never, 'other-model');
    const agent = new Agent({
      name: 'Other',
      tools: [add],
      modelSettings: { temperature: 0.2 },
      model: way === 'wrapped' ? recordModel(model, recording.recorder) : model,
    });
    expect((await run(agent, 'go')).finalOutput).toBe('Three.');
    await until(isSettled(recording));
    const folded = recording.run();
    expect(toTree(folded)).toEqual([
      'phase Other completed',
      '  model generate completed',
      '  tool add completed',
      '  model generate completed',
    ]);
    const [, first, sum, last] = folded.steps;
    expect(recording.messages(first!)).toHaveLength(way === 'wrapped' ? 1 : 0);
    expect(first).toMatchObject({ model: 'other-model-1', finishReason: { unified: 'tool-calls', raw: 'tool_calls' } });
    expect(first!.usage).toMatchObject({ input: { total: 20, cacheRead: 8, noCache: 12 }, output: { total: 5 } });
    expect(recording.content(first!.responseId)).toEqual([
      { type: 'tool-call', toolCallId: 'k', toolName: 'add', input: { a: 1, b: 2 } },
    ]);
    expect(recording.content(sum!.argsId)).toEqual({ a: 1, b: 2 });
    expect(sum!.callId).toBe('k');
    expect(recording.content(last!.responseId)).toEqual([{ type: 'text', text: 'Three.' }]);
    expect(folded.attempts.map(({ stepId }) => stepId)).toEqual([first!.id, last!.id]);
  },
);
