import {
  embed,
  embedMany,
  experimental_decide,
  generateObject,
  generateSpeech,
  rerank,
  streamObject,
  transcribe,
} from 'ai';
import { MockEmbeddingModelV4, MockRerankingModelV4, MockSpeechModelV4, MockTranscriptionModelV4 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { providerError } from '../../../../test/playback/fixtures.ts';
import { createScriptedModel, say } from '../../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../../test/playback/stage.ts';
import { collect, until } from '../../../../test/playback/streams.ts';

const { record } = createSdkStage();

describe('the other operations', () => {
  test('embed and embedMany: vectors by number and size, usage of input only', async () => {
    const recording = record();
    const model = new MockEmbeddingModelV4({
      maxEmbeddingsPerCall: 1,
      doEmbed: async () => ({ embeddings: [[1, 2, 3]], usage: { tokens: 4 }, warnings: [] }),
    });
    await embed({ model, value: 'words' });
    await embedMany({ model, values: ['a', 'b', 'c'] });
    const [one, many] = recording.runs();
    expect(one!.steps).toHaveLength(1);
    expect(one!.steps[0]).toMatchObject({
      operation: 'embed',
      status: 'completed',
      usage: { input: { total: 4 }, output: { total: null } },
    });
    expect(recording.content(one!.steps[0]!.responseId)).toEqual([{ type: 'embeddings', count: 1, dimensions: 3 }]);
    expect(many!.steps.map((step) => step.status)).toEqual(['completed', 'completed', 'completed']);
    expect(many!.run.status).toBe('completed');
  });

  test('rerank', async () => {
    const recording = record();
    const model = new MockRerankingModelV4({
      doRerank: async () => ({ ranking: [{ index: 1, relevanceScore: 0.9 }] }),
    });
    await rerank({ model, documents: ['a', 'b'], query: 'b?' });
    const { steps } = recording.run();
    expect(steps[0]).toMatchObject({ operation: 'rerank', status: 'completed' });
    expect(recording.content(steps[0]!.requestId)).toMatchObject({ query: 'b?', documents: ['a', 'b'] });
    expect(recording.content(steps[0]!.responseId)).toEqual([
      { type: 'ranking', ranking: [{ index: 1, relevanceScore: 0.9 }] },
    ]);
  });

  test('generateSpeech and transcribe', async () => {
    const recording = record();
    const response = { timestamp: new Date(0), modelId: 'voice-1' };
    const voice = new MockSpeechModelV4({
      doGenerate: async () => ({ audio: new Uint8Array([1, 2, 3]), warnings: [], response }),
    });
    const ear = new MockTranscriptionModelV4({
      doGenerate: async () => ({
        text: 'hello',
        segments: [],
        language: 'en',
        durationInSeconds: 1,
        warnings: [],
        response,
      }),
    });
    await generateSpeech({ model: voice, text: 'hello', voice: 'calm' });
    await transcribe({ model: ear, audio: new Uint8Array([1, 2, 3]) });
    const [spoken, heard] = recording.runs();
    expect(spoken!.run.status).toBe('completed');
    expect(spoken!.steps).toMatchObject([{ operation: 'speech', status: 'completed', model: 'voice-1' }]);
    expect(recording.content(spoken!.steps[0]!.requestId)).toMatchObject({ text: 'hello', voice: 'calm' });
    expect(recording.content(spoken!.steps[0]!.responseId)).toMatchObject([{ type: 'audio', byteLength: 3 }]);
    expect(heard!.steps).toMatchObject([{ operation: 'transcribe', status: 'completed' }]);
    expect(recording.content(heard!.steps[0]!.responseId)).toMatchObject([
      { type: 'text', text: 'hello' },
      { type: 'transcript', language: 'en' },
    ]);
    expect(recording.content(heard!.run.outputId)).toBe('hello');
  });

  test('decide', async () => {
    const recording = record();
    await experimental_decide({
      model: {
        specificationVersion: 'v4',
        provider: 'scripted.decision',
        modelId: 'judge-1',
        supportedQuestionTypes: ['boolean'],
        doDecide: async () => ({
          answers: { kind: { type: 'boolean', probability: 0.9 } },
          usage: { inputTokens: 8, outputTokens: 1 },
          warnings: [],
        }),
      },
      state: 'a note',
      questions: { kind: { type: 'boolean', instructions: 'Is it kind?' } },
    });
    const { run, steps } = recording.run();
    expect([run.name, run.status, steps.length]).toEqual(['decide', 'completed', 1]);
    expect(steps[0]).toMatchObject({
      operation: 'decide',
      status: 'completed',
      usage: { input: { total: 8 }, output: { total: 1 } },
    });
    expect(recording.content(steps[0]!.requestId)).toMatchObject({
      state: [{ type: 'text', text: 'a note' }],
      questions: { kind: { type: 'boolean' } },
    });
    expect(recording.content(steps[0]!.responseId)).toMatchObject([
      { type: 'answers', answers: { kind: { probability: 0.9 } } },
    ]);
  });

  test('generateObject and streamObject: generate or stream with structured output', async () => {
    const recording = record();
    const schema = z.object({ sky: z.string() });
    const model = createScriptedModel([say('{"sky":"clear"}')]);
    await generateObject({ model, schema, prompt: 'Hi', temperature: 0 });
    const streamed = streamObject({ model, schema, prompt: 'Hi' });
    await collect(streamed.partialObjectStream);
    await new Promise((done) => setImmediate(done));
    const all = recording.runs();
    expect(all.map(({ run, steps }) => [run.status, steps.length, steps[0]!.operation, steps[0]!.status])).toEqual([
      ['completed', 1, 'generate', 'completed'],
      ['completed', 1, 'stream', 'completed'],
    ]);
    expect(all[0]!.steps[0]).toMatchObject({
      options: { structuredOutput: true, temperature: 0 },
      usage: { input: { total: 10, cacheRead: 3 } },
    });
    expect(recording.content(all[0]!.steps[0]!.requestId)).toMatchObject({
      responseFormat: { schema: { type: 'object' } },
    });
    expect(recording.content(all[0]!.steps[0]!.responseId)).toEqual([{ type: 'text', text: '{"sky":"clear"}' }]);
    expect(recording.content(all[0]!.run.outputId)).toEqual({ sky: 'clear' });
  });

  test('what only the end of an embedding or a reranking tells is logged', async () => {
    const recording = record();
    const warnings = [{ type: 'other' as const, message: 'cut' }];
    const doEmbed = async () => ({
      embeddings: [[1]],
      usage: { tokens: 4 },
      warnings,
      providerMetadata: { p: { a: 1 } },
    });
    await embed({ model: new MockEmbeddingModelV4({ doEmbed }), value: 'words' });
    expect(recording.everything()).toContain('"type":"model-result"');
    expect(recording.everything()).toContain('"warnings":[{"type":"other","message":"cut"}]');
  });

  test('an object that does not fit its schema ends the run schema_invalid', async () => {
    const recording = record();
    const schema = z.object({ sky: z.string() });
    const model = createScriptedModel([say('{"sky":1}')]);
    await expect(generateObject({ model, schema, prompt: 'Hi' })).rejects.toThrow();
    const streamed = streamObject({ model, schema, prompt: 'Hi', onError: () => undefined });
    await collect(streamed.partialObjectStream);
    await streamed.object.then(undefined, () => undefined);
    await until('both runs have ended', () => recording.runs().every(({ run }) => run.finishedAtMs !== null));
    expect(recording.runs().map(({ run, steps }) => [run.status, run.endReason, steps[0]!.status])).toEqual([
      ['failed', 'schema_invalid', 'completed'],
      ['failed', 'schema_invalid', 'completed'],
    ]);
  });

  test('a failing embedding is a failed run with an error step', async () => {
    const recording = record();
    const model = new MockEmbeddingModelV4({ doEmbed: async () => Promise.reject(providerError(400)) });
    await expect(embed({ model, value: 'words' })).rejects.toThrow();
    const { run, steps } = recording.run();
    expect([run.status, steps[0]!.status]).toEqual(['failed', 'error']);
  });
});
