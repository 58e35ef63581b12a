import type { LanguageModelV4 } from '@ai-sdk/provider';
import {
  embed,
  experimental_generateSpeech,
  generateImage,
  generateText,
  rerank,
  transcribe,
  wrapLanguageModel,
} from 'ai';
import {
  MockEmbeddingModelV4,
  MockImageModelV4,
  MockRerankingModelV4,
  MockSpeechModelV4,
  MockTranscriptionModelV4,
} from 'ai/test';
import { describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatPath, openLoopback, post } from '../../../../test/playback/loopback.ts';
import { providerError } from '../../../../test/playback/fixtures.ts';
import type { Recording } from '../../../../test/playback/recording.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import { createScriptedModel, say } from '../../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../../test/playback/stage.ts';
import { until } from '../../../../test/playback/streams.ts';
import { createFetchCapture } from '../../fetch/index.ts';
import { recordModel, tachographMiddleware } from '../index.ts';

const { record, undo } = createSdkStage();
const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4]);
const response = { timestamp: new Date(0), modelId: 'served-1', headers: { 'x-request-id': 'req-1' } };

describe('models of every kind, where the SDK tells nothing', () => {
  const cases: [string, (recording: Recording) => Promise<unknown>, object, unknown][] = [
    [
      'image',
      ({ recorder }) => {
        const model = new MockImageModelV4({
          doGenerate: async () => ({
            images: [png],
            warnings: [],
            usage: { inputTokens: 7, outputTokens: 9, totalTokens: 16 },
            response,
          }),
        });
        return generateImage({ model: recordModel(model, recorder), prompt: 'a lighthouse', size: '1x1' });
      },
      { model: 'served-1', usage: { input: { total: 7 }, output: { total: 9 } } },
      [{ type: 'file', kind: 'image', data: { type: 'tachograph-file', bytes: 8 } }],
    ],
    [
      'embed',
      ({ recorder }) => {
        const doEmbed = async () => ({ embeddings: [[1, 2]], usage: { tokens: 4 }, warnings: [] });
        const model = recordModel(new MockEmbeddingModelV4({ doEmbed }), recorder);
        return embed({ model, value: 'words', telemetry: { isEnabled: false } });
      },
      { usage: { input: { total: 4 } } },
      [{ type: 'embeddings', count: 1, dimensions: 2 }],
    ],
    [
      'rerank',
      ({ recorder }) => {
        const doRerank = async () => ({ ranking: [{ index: 0, relevanceScore: 0.5 }], response });
        const model = recordModel(new MockRerankingModelV4({ doRerank }), recorder);
        return rerank({ model, documents: ['a'], query: 'a?', telemetry: { isEnabled: false } });
      },
      { model: 'served-1' },
      [{ type: 'ranking', ranking: [{ index: 0, relevanceScore: 0.5 }] }],
    ],
    [
      'speech',
      ({ recorder }) => {
        const doGenerate = async () => ({ audio: png, warnings: [], response });
        const model = recordModel(new MockSpeechModelV4({ doGenerate }), recorder);
        return experimental_generateSpeech({ model, text: 'hello', telemetry: { isEnabled: false } });
      },
      { model: 'served-1' },
      [{ type: 'audio', data: { type: 'tachograph-file', bytes: 8 } }],
    ],
    [
      'transcribe',
      ({ recorder }) => {
        const heard = { text: 'hello', segments: [], language: 'en', durationInSeconds: 1 };
        const doGenerate = async () => ({ ...heard, warnings: [], response });
        const model = recordModel(new MockTranscriptionModelV4({ doGenerate }), recorder);
        return transcribe({ model, audio: png, telemetry: { isEnabled: false } });
      },
      { model: 'served-1' },
      [{ type: 'text', text: 'hello' }, { type: 'transcript' }],
    ],
  ];
  test.each(cases)('%s', async (operation, call, expected, parts) => {
    const recording = createRecording();
    await call(recording);
    const { run, steps, attempts } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ kind: 'model', operation, status: 'completed', ...expected });
    expect(recording.content(steps[0]!.responseId)).toMatchObject(parts as object);
    expect(attempts).toMatchObject([{ status: 'completed' }]);
    expect(recording.complaints).toEqual([]);
  });

  test('a failing one is a failed run, with the very error for the caller', async () => {
    const recording = createRecording();
    const error = providerError(400);
    const model = new MockImageModelV4({ doGenerate: async () => Promise.reject(error) });
    const failed = generateImage({ model: recordModel(model, recording.recorder), prompt: 'x' });
    await expect(failed).rejects.toBe(error);
    const { run, steps, attempts } = recording.run();
    expect([run.status, steps[0]!.status, attempts[0]!.responseStatus]).toEqual(['failed', 'error', 400]);
  });
});

describe('beside the telemetry of version 7', () => {
  test('a call that both see is recorded once', async () => {
    const recording = record();
    const model = recordModel(createScriptedModel([{ error: providerError(529) }, say('ok')]), recording.recorder);
    await generateText({ model, prompt: 'Hi' });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 2]);
    const doEmbed = async () => ({ embeddings: [[1]], usage: { tokens: 4 }, warnings: [] });
    await embed({ model: recordModel(new MockEmbeddingModelV4({ doEmbed }), recording.recorder), value: 'words' });
    expect(recording.runs()[1]!.steps).toHaveLength(1);
  });

  test('a model recorded twice is recorded once', async () => {
    const recording = createRecording();
    const { recorder } = recording;
    const twice = recordModel(recordModel(createScriptedModel([say('ok')]), recorder), recorder);
    const model = wrapLanguageModel({ model: twice, middleware: tachographMiddleware(recorder) });
    await generateText({ model, prompt: 'Hi', telemetry: { isEnabled: false } });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
  });

  test('a model that asks another one in its own call: that one is a child of its step', async () => {
    const recording = record();
    const inner = recordModel({ ...createScriptedModel([say('advice')]), modelId: 'adviser' }, recording.recorder);
    const answering = createScriptedModel([say('answer')]);
    const outer: LanguageModelV4 = {
      ...answering,
      async doGenerate(options) {
        await inner.doGenerate(options);
        return answering.doGenerate(options);
      },
    };
    await generateText({ model: outer, prompt: 'Hi' });
    const [asked, advised] = recording.runs();
    expect(asked!.steps).toHaveLength(1);
    expect(advised!.steps[0]).toMatchObject({ requestedModel: 'adviser', status: 'completed' });
    expect([advised!.run.parentRunId, advised!.run.parentStepId]).toEqual([asked!.run.id, asked!.steps[0]!.id]);
  });

  test('as middleware of version 7 it is the same', async () => {
    const recording = createRecording();
    const middleware = tachographMiddleware(recording.recorder);
    const model = wrapLanguageModel({ model: createScriptedModel([say('ok')]), middleware });
    await generateText({ model, prompt: 'Hi', telemetry: { isEnabled: false } });
    expect(recording.run().steps).toMatchObject([{ operation: 'generate', status: 'completed' }]);
  });

  test('the wire joins the attempt of a recorded model', async () => {
    const recording = createRecording();
    const { origin, handlers, close } = await openLoopback();
    undo.push(close, createFetchCapture({ recorder: recording.recorder, hostList: '127.0.0.1:*' }).install());
    handlers[chatPath] = (_request, response) => void response.end(chatAnswer('ok'));
    const answering = createScriptedModel([say('ok')]);
    const model: LanguageModelV4 = {
      ...answering,
      async doGenerate(options) {
        await (await fetch(`${origin}${chatPath}`, post(chatBody('Hi')))).text();
        return answering.doGenerate(options);
      },
    };
    const recorded = recordModel(model, recording.recorder);
    await generateText({ model: recorded, prompt: 'Hi', telemetry: { isEnabled: false } });
    await until('the attempt has ended', () => recording.run().attempts[0]?.status === 'completed');
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(attempts[0]).toMatchObject({ method: 'POST', path: chatPath, responseStatus: 200 });
  });
});

describe('what a recorded model is besides its calls stays as it is', () => {
  class Guarded extends MockImageModelV4 {
    readonly #secret = 3;
    get limit(): number {
      return this.#secret;
    }
    describe(): string {
      return `${this.modelId} ${this.#secret}`;
    }
  }

  test('kind, fields, getters, methods with private fields', () => {
    const model = new Guarded({ maxImagesPerCall: 3 });
    const recorded = recordModel(model, createRecording().recorder);
    expect(recorded).toBeInstanceOf(Guarded);
    expect([recorded.modelId, recorded.maxImagesPerCall, recorded.limit]).toEqual([model.modelId, 3, 3]);
    expect(recorded.describe()).toBe(model.describe());
    expect(recorded.doGenerate).toBe(recorded.doGenerate);
    expect(Object.keys(recorded)).toEqual(Object.keys(model));
    expect('limit' in recorded && !('nothing' in recorded)).toBe(true);
  });

  test('a frozen one, and a copy of it, are recorded as well', async () => {
    const recording = createRecording();
    const model = recordModel(Object.freeze(createScriptedModel([say('ok')])), recording.recorder);
    const telemetry = { isEnabled: false };
    await generateText({ model, prompt: 'Hi', telemetry });
    await generateText({ model: { ...model }, prompt: 'Hi', telemetry });
    expect(recording.runs()).toHaveLength(2);
  });

  test('one that defies reading is still asked, and answers', async () => {
    const recording = createRecording();
    const faults: unknown[] = [];
    const scripted = createScriptedModel([say('ok')]);
    const hostile = Object.defineProperty({ ...scripted }, 'provider', {
      get() {
        throw new Error('do not look');
      },
    });
    const model = recordModel(hostile, recording.recorder, { onError: (error) => void faults.push(error) });
    const result = await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] });
    expect(result.content).toEqual([{ type: 'text', text: 'ok' }]);
    expect(faults).toEqual([new Error('do not look'), new Error('do not look')]);
  });
});
