import { generateText, isStepCount, streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { createRecorder } from '../../core/record/recorder.ts';
import { weather } from '../../../test/playback/fixtures.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { ask, createScriptedModel, say } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { createAiSdkCapture, tachographTelemetry } from './index.ts';

const { record, undo } = createSdkStage();

describe('installed or passed', () => {
  test('passed to one call, that call is recorded and no other', async () => {
    const recording = createRecording();
    const model = createScriptedModel([say('x')]);
    await generateText({ model, prompt: 'Hi', telemetry: { integrations: [tachographTelemetry(recording.recorder)] } });
    await generateText({ model, prompt: 'Hi' });
    expect(recording.runs()).toHaveLength(1);
  });

  test('installed twice, passed as well, in the list twice: still recorded once', async () => {
    const recording = createRecording();
    const capture = createAiSdkCapture({ recorder: recording.recorder });
    undo.push(capture.install(), capture.install());
    const integration = tachographTelemetry(recording.recorder);
    await generateText({
      model: createScriptedModel([say('x')]),
      prompt: 'Hi',
      telemetry: { integrations: [integration, integration] },
    });
    await streamText({
      model: createScriptedModel([say('x')]),
      prompt: 'Hi',
      telemetry: { integrations: [integration, integration] },
    }).text;
    const all = recording.runs();
    expect(all).toHaveLength(2);
    for (const { steps, attempts } of all) expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(all.map(({ run }) => run.status)).toEqual(['completed', 'completed']);
  });

  test('taken out again, nothing is recorded and the list is as it was', async () => {
    const recording = createRecording();
    const other = {};
    const list = ((globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] }).AI_SDK_TELEMETRY_INTEGRATIONS = [
      other,
    ]);
    createAiSdkCapture({ recorder: recording.recorder }).install()();
    expect(list).toEqual([other]);
    list.length = 0;
    await generateText({ model: createScriptedModel([say('x')]), prompt: 'Hi' });
    expect(recording.journal.entries).toEqual([]);
  });

  test('words that defy reading cost the words, not the step', async () => {
    const recording = record();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const model = createScriptedModel([say('fine')]);
    const asked = {
      ...model,
      doGenerate: async (options: never) => ({ ...(await model.doGenerate(options)), request: { body: circular } }),
    };
    const hostile = {
      role: 'user' as const,
      content: 'Hi',
      get providerOptions(): never {
        throw new Error('do not look');
      },
    };
    await generateText({ model: asked, prompt: 'Hi' });
    await expect(generateText({ model, messages: [hostile] })).rejects.toThrow('do not look');
    const { run, steps, attempts } = recording.runs()[0]!;
    expect([run.status, steps[0]!.status, attempts[0]!.status]).toEqual(['completed', 'completed', 'completed']);
    expect(attempts[0]!.requestBody).toMatchObject({ contentId: null, withheld: 'not-json' });
    expect(recording.runs()[1]!.run.status).toBe('failed');
  });

  test('a fault in the capture is reported and never the host’s', async () => {
    const recording = createRecording();
    const faults: unknown[] = [];
    const broken = {
      ...recording.recorder,
      startRun: () => {
        throw new Error('broken recorder');
      },
    };
    undo.push(createAiSdkCapture({ recorder: broken, onError: (error) => void faults.push(error) }).install());
    const result = await generateText({
      model: createScriptedModel([ask({ id: 'c', tool: 'weather', input: { town: 'Bern' } }), say('fine')]),
      prompt: 'Hi',
      tools: { weather },
      stopWhen: isStepCount(2),
    });
    expect(result.text).toBe('fine');
    expect(faults.length).toBeGreaterThan(0);
  });

  test('a recorder that records nothing changes nothing', async () => {
    const recorder = createRecorder({ journal: null });
    const model = createScriptedModel([ask({ id: 'c', tool: 'weather', input: { town: 'Bern' } }), say('fine')]);
    const telemetry = { integrations: [tachographTelemetry(recorder)] };
    const asked = { model, prompt: 'Hi', tools: { weather }, stopWhen: isStepCount(2), telemetry };
    expect((await generateText(asked)).text).toBe('fine');
    expect(await streamText(asked).text).toBe('fine');
    const list = (globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] }).AI_SDK_TELEMETRY_INTEGRATIONS ?? [];
    const before = [...list];
    createAiSdkCapture({ recorder }).install()();
    expect(list).toEqual(before);
  });
});
