import { AsyncLocalStorage } from 'node:async_hooks';
import {
  embed,
  embedMany,
  experimental_decide,
  generateObject,
  generateSpeech,
  generateText,
  rerank,
  streamObject,
  streamText,
} from 'ai';
import { MockEmbeddingModelV4, MockRerankingModelV4, MockSpeechModelV4 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Recorder, RunRecorder, StepStart } from '../../core/record/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { createScriptedModel, say } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { collect } from '../../../test/playback/streams.ts';
import { createAiSdkCapture } from './index.ts';

const { undo } = createSdkStage();
const scope = new AsyncLocalStorage<string>();

/** A recorder whose steps put their operation into a scope of ours when they are entered. */
function withEnter(recorder: Recorder): Recorder {
  const wrap = (run: RunRecorder): RunRecorder => ({
    ...run,
    step(start: StepStart) {
      const step = run.step(start);
      return Object.assign(step, { enter: () => scope.enterWith(start.operation ?? '') });
    },
  });
  return { ...recorder, startRun: (start) => wrap(recorder.startRun(start)) };
}

interface Seen {
  readonly inside: (string | undefined)[];
  note<T>(value: T): Promise<T>;
}

function install(): Seen {
  undo.push(createAiSdkCapture({ recorder: withEnter(createRecording().recorder) }).install());
  const inside: (string | undefined)[] = [];
  return {
    inside,
    async note(value) {
      await Promise.resolve();
      inside.push(scope.getStore());
      return value;
    },
  };
}

const schema = z.object({ ok: z.boolean() });
const own = { integrations: [{}] };

describe('a step entered from a callback of the SDK', () => {
  const cases: [string, (seen: Seen) => Promise<unknown>, string[]][] = [
    ['embed', (seen) => embed({ model: embedder(seen), value: 'a' }), ['embed']],
    ['embedMany', (seen) => embedMany({ model: embedder(seen), values: ['a', 'b'] }), ['embed', 'embed']],
    ['rerank', (seen) => rerank({ model: reranker(seen), documents: ['a'], query: 'q' }), ['rerank']],
    ['decide', (seen) => decide(seen), ['decide']],
    ['generateSpeech', (seen) => generateSpeech({ model: voice(seen), text: 'a' }), ['speech']],
    ['generateObject', (seen) => generateObject({ model: talker(seen), schema, prompt: 'a' }), ['generate']],
    [
      'streamObject',
      (seen) => collect(streamObject({ model: talker(seen), schema, prompt: 'a' }).partialObjectStream),
      ['stream'],
    ],
    [
      'generateText, by the channel',
      (seen) => generateText({ model: talker(seen), prompt: 'a', telemetry: own }),
      ['generate'],
    ],
    [
      'streamText, by the channel',
      async (seen) => streamText({ model: talker(seen), prompt: 'a', telemetry: own }).text,
      ['stream'],
    ],
  ];
  test.each(cases)('reaches the model call and not the caller: %s', async (_name, call, expected) => {
    const seen = install();
    await call(seen);
    expect(seen.inside).toEqual(expected);
    expect(scope.getStore()).toBeUndefined();
  });

  test('several at a time keep apart', async () => {
    const seen = install();
    await Promise.all([
      embed({ model: embedder(seen), value: 'a' }),
      rerank({ model: reranker(seen), documents: ['a'], query: 'q' }),
    ]);
    expect(seen.inside.toSorted()).toEqual(['embed', 'rerank']);
    expect(scope.getStore()).toBeUndefined();
  });
});

function embedder(seen: Seen): MockEmbeddingModelV4 {
  return new MockEmbeddingModelV4({
    maxEmbeddingsPerCall: 1,
    supportsParallelCalls: true,
    doEmbed: () => seen.note({ embeddings: [[1]], usage: { tokens: 1 }, warnings: [] }),
  });
}

function reranker(seen: Seen): MockRerankingModelV4 {
  return new MockRerankingModelV4({ doRerank: () => seen.note({ ranking: [{ index: 0, relevanceScore: 1 }] }) });
}

function voice(seen: Seen): MockSpeechModelV4 {
  const response = { timestamp: new Date(0), modelId: 'voice-1' };
  return new MockSpeechModelV4({ doGenerate: () => seen.note({ audio: new Uint8Array([1]), warnings: [], response }) });
}

function talker(seen: Seen): ReturnType<typeof createScriptedModel> {
  return createScriptedModel([() => seen.note(say('{"ok":true}'))]);
}

function decide(seen: Seen): Promise<unknown> {
  return experimental_decide({
    model: {
      specificationVersion: 'v4',
      provider: 'scripted.decision',
      modelId: 'judge-1',
      supportedQuestionTypes: ['boolean'],
      doDecide: () => seen.note({ answers: { kind: { type: 'boolean' as const, probability: 0.9 } }, warnings: [] }),
    },
    state: 'a note',
    questions: { kind: { type: 'boolean', instructions: 'Is it kind?' } },
  });
}
