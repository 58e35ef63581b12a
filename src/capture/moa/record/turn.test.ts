import type { LanguageModelV4 } from '@ai-sdk/provider';
import { generateText, stepCountIs, streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { weather } from '../../../../test/playback/fixtures.ts';
import type { Recording } from '../../../../test/playback/recording.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import type { Turn } from '../../../../test/playback/scripted-model.ts';
import { ask, createScriptedModel, say } from '../../../../test/playback/scripted-model.ts';
import { collect } from '../../../../test/playback/streams.ts';
import type { MixtureOptions, Schedule } from '../index.ts';
import { mixtureOfAgents } from '../index.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const moaOf = (recording: Recording) =>
  recording.runs().map(({ run, steps }) => ({
    status: run.status,
    session: run.sessionId,
    parts: steps.map(({ metadata, status }) => `${(metadata!['moa'] as { role: string }).role} ${status}`),
  }));

/** A mixture with one reference; nothing but itself is recorded. */
function stage(turns: readonly Turn[], more: Partial<MixtureOptions<LanguageModelV4>> = {}) {
  const recording = createRecording();
  const reference = createScriptedModel([say('Write to ada@example.com.')]);
  const aggregator = createScriptedModel(turns);
  const model = mixtureOfAgents<LanguageModelV4>({
    ...{ references: [reference], aggregator, recorder: recording.recorder },
    ...more,
  });
  return { recording, reference, aggregator, model };
}

const tools = { weather };
const looking = ask({ id: 'c1', tool: 'weather', input: { town: 'Ulm' } });
const off = { telemetry: { isEnabled: false } };

describe('a turn', () => {
  test('is one run over its iterations; the next user turn is another; sessions are told apart', async () => {
    let session = 'a';
    const { recording, model } = stage([looking, say('Clear.'), say('Bye.'), say('Clear.')], {
      sessionId: () => session,
    });
    await generateText({ model, tools, prompt: 'Weather?', stopWhen: stepCountIs(3), ...off });
    await generateText({ model, prompt: 'Thanks', ...off });
    session = 'b';
    await generateText({ model, prompt: 'Weather?', ...off });
    expect(moaOf(recording)).toEqual([
      {
        ...{ status: 'completed', session: 'a' },
        parts: ['reference completed', 'aggregator completed', 'aggregator completed'],
      },
      { status: 'completed', session: 'a', parts: ['reference completed', 'aggregator completed'] },
      { status: 'completed', session: 'b', parts: ['aggregator completed'] },
    ]);
  });

  test.each([
    ['per_iteration', 3],
    ['user_turn', 1],
    ['every_n:2', 2],
  ] as const)('%s asks the references %i times in three iterations', async (fanout, asked) => {
    const again = (id: string): Turn => ask({ id, tool: 'weather', input: { town: id } });
    const { recording, reference, model } = stage([again('a'), again('b'), say('Done.')], { preset: { fanout } });
    await generateText({ model, tools, prompt: 'Weather?', stopWhen: stepCountIs(5), ...off });
    expect(reference.calls).toHaveLength(asked);
    expect(recording.runs()).toHaveLength(1);
  });

  test('that nobody goes on with ends by its last outcome: after silence, and when the recorder closes', async () => {
    const waiting: (() => void)[] = [];
    const schedule: Schedule = (fn, delayMs) => {
      const index = delayMs === 1000 ? waiting.push(fn) - 1 : -1;
      return () => void (index >= 0 && (waiting[index] = () => undefined));
    };
    const { recording, model } = stage([looking], { schedule, idleMs: 3000 });
    await generateText({ model, tools, prompt: 'One', stopWhen: stepCountIs(1), ...off });
    for (let look = 0; look < 3; look += 1) {
      expect(moaOf(recording)[0]!.status).toBe('running');
      waiting.at(-1)!();
    }
    waiting.at(-1)!();
    expect(moaOf(recording)[0]!.status).toBe('completed');
    await generateText({ model, tools, prompt: 'Two', stopWhen: stepCountIs(1), ...off });
    expect(moaOf(recording)[1]!.status).toBe('running');
    await recording.recorder.close();
    expect(moaOf(recording)[1]!.status).toBe('completed');
  });

  test('a stream that its reader leaves, or that breaks, keeps what had come', async () => {
    const parts = [
      { type: 'text-start' as const, id: '0' },
      { type: 'text-delta' as const, id: '0', delta: 'Half an ' },
      { type: 'error' as const, error: new Error('line cut') },
    ];
    const { recording, model } = stage([say('Never read to its end.'), { parts }]);
    const left = await model.doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'One' }] }] });
    await left.stream.cancel();
    const broken = streamText({ model, prompt: 'Two', onError: () => undefined, ...off });
    await collect(broken.fullStream);
    expect(moaOf(recording).map(({ status, parts: told }) => [status, told.at(-1)])).toEqual([
      ['cancelled', 'aggregator interrupted'],
      ['failed', 'aggregator error'],
    ]);
    const step = recording.runs()[1]!.steps.at(-1)!;
    expect(recording.content(step.responseId)).toEqual([{ type: 'text', text: 'Half an ' }]);
  });

  test('what a listener throws touches nothing', async () => {
    const complaints: unknown[] = [];
    const { model } = stage([say('Fine.')], {
      onProgress: () => {
        throw new Error('listener');
      },
      onError: (error) => void complaints.push(error),
    });
    expect((await generateText({ model, prompt: 'x', ...off })).text).toBe('Fine.');
    expect(complaints.length).toBeGreaterThan(0);
  });
});

describe('privacy', () => {
  const prompt = 'I am grace@example.org';
  const read = (calls: readonly unknown[]): string => JSON.stringify(calls);

  test.each([
    ['off', true, true],
    ['display', false, true],
    ['full', false, false],
  ] as const)('%s: personal data in the record %s, before the models %s', async (privacy, inRecord, inModels) => {
    const { recording, reference, aggregator, model } = stage([say('Noted, grace@example.org.')], { privacy });
    const { text } = await generateText({ model, prompt, ...off });
    const record = recording.everything();
    for (const address of ['ada@example.com', 'grace@example.org']) expect(record.includes(address)).toBe(inRecord);
    expect(read(reference.calls).includes('grace@example.org')).toBe(inModels);
    for (const address of ['ada@example.com', 'grace@example.org'])
      expect(read(aggregator.calls).includes(address)).toBe(inModels);
    expect(text).toContain('grace@example.org');
  });
});
