import { join } from 'node:path';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelUsage } from 'ai';
import { embedMany, generateText, isStepCount, streamText, transcribe } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FoldedRun } from '../../src/core/import/fold.ts';
import type { Usage } from '../../src/core/model/usage.ts';
import { createAiSdkCapture, recordModel } from '../../src/capture/ai-sdk/index.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import type { Wire } from './corpus.ts';
import { answersByWire, corpusFolder, hasCorpus, listCorpus, otherFiles, undigested } from './corpus.ts';
import { providerError, recordProcess, weather } from './fixtures.ts';
import { createModel } from './providers.ts';
import type { Recording } from './recording.ts';
import { createRecording } from './recording.ts';
import { ask, createScriptedModel, say } from './scripted-model.ts';
import type { PlaybackServer } from './server.ts';
import { createPlaybackServer } from './server.ts';

// Warnings of the clients about models they do not know are recorded, not printed.
globalThis.AI_SDK_LOG_WARNINGS = false;

let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());

const orNull = (value: number | undefined): number | null => value ?? null;

function toUsage(usage: LanguageModelUsage): Pick<Usage, 'output'> & { input: Record<string, number | null> } {
  return {
    input: {
      total: orNull(usage.inputTokens),
      noCache: orNull(usage.inputTokenDetails.noCacheTokens),
      cacheRead: orNull(usage.inputTokenDetails.cacheReadTokens),
      cacheWrite: orNull(usage.inputTokenDetails.cacheWriteTokens),
    },
    output: {
      total: orNull(usage.outputTokens),
      text: orNull(usage.outputTokenDetails.textTokens),
      reasoning: orNull(usage.outputTokenDetails.reasoningTokens),
    },
  };
}

interface Outcome {
  readonly error: unknown;
  readonly step: Awaited<ReturnType<typeof generateText>>['finalStep'] | null;
}

/** By what a call is recorded: the SDK's telemetry, or the model alone, as for versions that have none. */
type Way = 'telemetry' | 'model';

interface Played {
  readonly wire: Wire;
  readonly baseURL: string;
  readonly isStream: boolean;
  readonly way?: Way;
}

/** One call through the real client, whole or streamed as the file was recorded. */
async function call(recording: Recording, { wire, baseURL, isStream, way = 'telemetry' }: Played): Promise<Outcome> {
  const { recorder } = recording;
  const due: (() => void)[] = [];
  const schedule = (fn: () => void) => {
    due.push(fn);
    return () => undefined;
  };
  const client = createModel(wire, baseURL);
  const how =
    way === 'model'
      ? { model: recordModel(client, recorder, { schedule }), telemetry: { isEnabled: false } }
      : { model: client, telemetry: { integrations: [createAiSdkCapture({ recorder }).integration] } };
  const outcome = await answerOf({ ...how, prompt: 'play it back', maxRetries: 0 }, isStream);
  // Asked for tools, a model alone is not told that nobody goes on: time is.
  for (const fn of [...due]) fn();
  return outcome;
}

async function answerOf(asked: Parameters<typeof generateText>[0], isStream: boolean): Promise<Outcome> {
  if (!isStream) {
    return generateText(asked).then(
      (result) => ({ error: null, step: result.finalStep }),
      (error: unknown) => ({ error, step: null }),
    );
  }
  const result = streamText({ ...(asked as Parameters<typeof streamText>[0]), onError: () => undefined });
  let error: unknown = null;
  try {
    for await (const part of result.stream) if (part.type === 'error') error ??= part.error;
  } catch (thrown) {
    error = thrown;
  }
  const step = await Promise.resolve(result.finalStep).catch(() => null);
  return { error, step };
}

interface RecordedPart {
  readonly type: string;
  readonly text?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
}

/** Checks the record of a call against what its caller received. */
function compare(recording: Recording, { run, steps, attempts }: FoldedRun, outcome: Outcome, way: Way): void {
  const step = steps[0]!;
  expect([steps.length, attempts.length]).toEqual([1, 1]);
  expect(recording.complaints).toEqual([]);
  if (outcome.step === null || outcome.error !== null) {
    // A whole answer that the SDK could not digest is a completed model call in a failed run; the model alone is told
    // nothing of that.
    if (way === 'telemetry' || step.status === 'error')
      expect([run.status, run.errorDetail === null]).toEqual(['failed', false]);
    if (step.status === 'completed') expect(attempts[0]!.status).toBe('completed');
    else expect([step.status, step.error === null]).toEqual(['error', false]);
    return;
  }
  const { step: got } = outcome;
  const parts = recording.content(step.responseId) as RecordedPart[];
  const words = (type: string): string =>
    parts
      .filter((part) => part.type === type)
      .map((part) => part.text)
      .join('');
  expect(run.status).toBe('completed');
  expect(step).toMatchObject({
    status: 'completed',
    model: got.response.modelId,
    finishReason: { unified: got.finishReason, raw: got.rawFinishReason ?? null },
  });
  expect(step.providerResponseId ?? got.response.id).toBe(got.response.id);
  expect(words('text')).toBe(got.text);
  expect(words('reasoning')).toBe(got.reasoningText ?? '');
  expect(parts.filter((part) => part.type === 'tool-call').map((part) => [part.toolCallId, part.toolName])).toEqual(
    got.toolCalls.map((item) => [item.toolCallId, item.toolName]),
  );
  expect(step.usage).toMatchObject(toUsage(got.usage));
  expect(step.usageRaw ?? null).toEqual(got.usage.raw ?? null);
  expect(attempts[0]).toMatchObject({ status: 'completed', providerRequestId: 'req_playback' });
}

test('the recorded provider answers are at hand', (context) => {
  context.skip(!hasCorpus, `no provider answers at ${corpusFolder}: what is tested over them is skipped`);
});

describe.skipIf(!hasCorpus)('recorded provider answers', () => {
  test('every file is classified, and every classified file is there', () => {
    const classified = [...Object.values(answersByWire).flat(), ...Object.keys(otherFiles)];
    expect(classified.toSorted()).toEqual(listCorpus());
  });

  const cases = Object.entries(answersByWire).flatMap(([wire, files]) =>
    files.flatMap((file) => (['telemetry', 'model'] as const).map((way) => [wire as Wire, file, way] as const)),
  );
  test.each(cases)('%s %s by %s', async (wire, file, way) => {
    const baseURL = server.script([{ file: join(corpusFolder, file) }]);
    const recording = createRecording();
    const outcome = await call(recording, { wire, baseURL, isStream: file.endsWith('.chunks.txt'), way });
    const folded = recording.run();
    compare(recording, folded, outcome, way);
    // Pinned, so that the comparison cannot come to compare failures only.
    expect(outcome.error !== null || outcome.step === null).toBe(undigested.includes(file));
    const [request] = server.requests(baseURL);
    const { attempts } = folded;
    // Some clients leave `stream: true` out of the body they report; only the wire itself knows every byte.
    expect(JSON.parse(request!.body)).toMatchObject(recording.content(attempts[0]!.requestBody!.contentId) as object);
    expect(recording.everything()).not.toContain('sk-playback-key');
  });

  test.each(Object.entries(otherFiles).filter(([, kind]) => kind === 'error'))(
    'the error %s is a failure of step and attempt',
    async (file) => {
      const recording = createRecording();
      const baseURL = server.script([{ file: join(corpusFolder, file), status: 400 }]);
      const outcome = await call(recording, { wire: 'openai-chat', baseURL, isStream: false });
      const { run, steps, attempts } = recording.run();
      expect(outcome.error).toBeInstanceOf(Error);
      expect([run.status, steps[0]!.status]).toEqual(['failed', 'error']);
      expect(steps[0]!.error).toMatchObject({ status: 400, isRetryable: false });
      expect(attempts[0]).toMatchObject({
        status: 'failed',
        responseStatus: 400,
        retryClass: null,
        path: `${new URL(baseURL).pathname}/chat/completions`,
      });
      expect(recording.content(attempts[0]!.responseBody!.contentId)).toMatchObject({
        error: { code: 'unsupported_parameter' },
      });
    },
  );

  test('embeddings and a transcription through the real client', async () => {
    const recording = createRecording();
    const telemetry = { integrations: [createAiSdkCapture({ recorder: recording.recorder }).integration] };
    const client = (file: string) =>
      createOpenAI({ baseURL: server.script([{ file: join(corpusFolder, file) }]), apiKey: 'k' });
    const embedded = await embedMany({
      model: client('openai/embedding/openai-embedding.json').embedding('asked'),
      values: ['a', 'b'],
      telemetry,
    });
    const heard = await transcribe({
      model: client('openai/transcription/openai-transcription.json').transcription('whisper-1'),
      audio: new Uint8Array([82, 73, 70, 70]),
      telemetry,
    });
    const [vectors, words] = recording.runs();
    expect(vectors!.steps[0]).toMatchObject({
      operation: 'embed',
      status: 'completed',
      usage: { input: { total: embedded.usage.tokens } },
    });
    expect(words!.steps[0]).toMatchObject({ operation: 'transcribe', status: 'completed' });
    expect(recording.content(words!.steps[0]!.responseId)).toMatchObject([
      { type: 'text', text: heard.text },
      { type: 'transcript' },
    ]);
  });

  test('429, 429, 200 over HTTP is one step with three attempts', async () => {
    const recording = createRecording();
    const busy = { status: 429, body: { error: { message: 'slow down' } }, headers: { 'retry-after-ms': '5' } };
    const baseURL = server.script([busy, busy, { file: join(corpusFolder, 'anthropic/anthropic-text.json') }]);
    const telemetry = { integrations: [createAiSdkCapture({ recorder: recording.recorder }).integration] };
    await generateText({ model: createModel('anthropic', baseURL), prompt: 'again', telemetry });
    const { steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', error: null });
    expect(
      attempts.map((attempt) => [attempt.status, attempt.responseStatus, attempt.retryClass, attempt.retryDelayMs]),
    ).toEqual([
      ['failed', 429, 'rate-limit', 5],
      ['failed', 429, 'rate-limit', 5],
      ['completed', null, null, null],
    ]);
  });

  test('a connection cut in the middle of a stream: the step did not complete, what came is kept', async () => {
    const recording = createRecording();
    const baseURL = server.script([
      { file: join(corpusFolder, 'anthropic/anthropic-json-output-format.1.chunks.txt'), cutAfterLines: 40 },
    ]);
    const outcome = await call(recording, { wire: 'anthropic', baseURL, isStream: true });
    const { run, steps, attempts } = recording.run();
    expect(outcome.error).not.toBeNull();
    expect([run.status, steps[0]!.status, attempts[0]!.status]).toEqual(['failed', 'error', 'failed']);
    expect(steps[0]!.usage).toBeNull();
    expect(JSON.stringify(recording.content(steps[0]!.responseId)).length).toBeGreaterThan(40);
  });

  test('aborted while the provider is silent: interrupted, with what came', async () => {
    const recording = createRecording();
    const controller = new AbortController();
    const baseURL = server.script([
      { file: join(corpusFolder, 'openai-compatible/chat/xai-text.chunks.txt'), stallAfterLines: 330 },
    ]);
    const telemetry = { integrations: [createAiSdkCapture({ recorder: recording.recorder }).integration] };
    const result = streamText({
      model: createModel('compatible', baseURL),
      prompt: 'x',
      abortSignal: controller.signal,
      telemetry,
      onError: () => undefined,
    });
    let parts = 0;
    for await (const _part of result.stream) if (++parts === 200) controller.abort();
    const { run, steps } = recording.run();
    expect([run.endReason, steps[0]!.status, steps[0]!.usage]).toEqual(['cancelled', 'interrupted', null]);
    expect(steps[0]!.stream!.parts).toBeGreaterThan(10);
  });
});

test('imported into a store, the views are those of the fold', async () => {
  const { recording, stop } = recordProcess();
  const model = createScriptedModel([
    { error: providerError(429) },
    ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
    say('clear'),
  ]);
  await generateText({ model, prompt: 'Hi', tools: { weather }, stopWhen: isStepCount(3) });
  stop();
  const store = createMemoryStore();
  await store.initialize();
  await store.importBatch({ projectId: 'default', entries: recording.journal.entries, position: null });
  const { run, steps, attempts } = recording.run();
  expect(await store.getRun('default', run.id)).toEqual(run);
  expect(await store.listSteps('default', run.id)).toEqual(steps);
  expect(await store.listAttempts('default', run.id)).toEqual(attempts);
  expect(await store.search('default', 'clear')).not.toEqual([]);
  await store.close();
});
