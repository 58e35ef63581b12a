import { join } from 'node:path';
import { generateText, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAiSdkCapture } from '../../src/capture/ai-sdk/index.ts';
import { createFetchCapture } from '../../src/capture/fetch/index.ts';
import type { Wire } from './corpus.ts';
import { corpusFolder, hasCorpus } from './corpus.ts';
import { createModel } from './providers.ts';
import type { Recording } from './recording.ts';
import { createRecording } from './recording.ts';
import type { PlaybackServer } from './server.ts';
import { createPlaybackServer } from './server.ts';
import { until } from './streams.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

let server: PlaybackServer;
beforeAll(async () => void (server = await createPlaybackServer()));
afterAll(() => server.close());

/** Both captures at work, as in a recorded program. */
async function recordBoth(act: () => Promise<unknown>): Promise<Recording> {
  const recording = createRecording();
  const undo = [
    createAiSdkCapture({ recorder: recording.recorder }).install(),
    createFetchCapture({ recorder: recording.recorder }).install(),
  ];
  try {
    await act();
    // The wire's end of an attempt comes when its body has been read, after the answer.
    await until('the wire has ended its attempts', () =>
      recording.runs().every(({ attempts }) => attempts.every((attempt) => attempt.status !== null)),
    );
  } finally {
    for (const step of undo) step();
  }
  return recording;
}

describe.skipIf(!hasCorpus)('the SDK and the wire together', () => {
  const busy = { status: 429, body: { error: { message: 'slow down' } }, headers: { 'retry-after-ms': '5' } };
  const cases: [string, Wire, string, boolean][] = [
    ['whole', 'anthropic', 'anthropic/anthropic-text.json', false],
    ['whole', 'openai-responses', 'openai/responses/openai-mcp-tool.1.json', false],
    ['streamed', 'anthropic', 'anthropic/anthropic-json-output-format.1.chunks.txt', true],
    ['streamed', 'openai-responses', 'openai/responses/openai-web-search-tool.1.chunks.txt', true],
    ['streamed', 'google', 'google/google-reasoning.chunks.txt', true],
  ];
  test.each(cases)(
    'nothing is counted twice, and each attempt has its bytes: %s %s %s',
    async (_name, wire, file, isStream) => {
      const baseURL = server.script([busy, { file: join(corpusFolder, file) }]);
      const asked = { model: createModel(wire, baseURL), prompt: 'play it back' };
      const recording = await recordBoth(async () => {
        if (isStream) await streamText(asked).text;
        else await generateText(asked);
      });
      const { run, steps, attempts } = recording.run();
      expect([run.status, steps.length, steps[0]!.status]).toEqual(['completed', 1, 'completed']);
      expect(
        attempts.map((attempt) => [attempt.number, attempt.status, attempt.responseStatus, attempt.method]),
      ).toEqual([
        [1, 'failed', 429, 'POST'],
        [2, 'completed', 200, 'POST'],
      ]);
      const sent = server.requests(baseURL);
      expect(recording.content(attempts[0]!.requestBody!.contentId)).toEqual(JSON.parse(sent[0]!.body));
      expect(attempts[1]!.responseBody?.contentId).not.toBeNull();
      expect(attempts[1]!.path).toBe(`${new URL(baseURL).pathname}${sent[1]!.path.split('?')[0]}`);
      expect(recording.everything()).not.toContain('sk-playback-key');
    },
  );

  test('what the call withholds the wire withholds too', async () => {
    const baseURL = server.script([{ file: join(corpusFolder, 'anthropic/anthropic-text.json') }]);
    const telemetry = { recordInputs: false, recordOutputs: false };
    let text = '';
    const recording = await recordBoth(async () => {
      text = (await generateText({ model: createModel('anthropic', baseURL), prompt: 'plum-question', telemetry }))
        .text;
    });
    expect(text.length).toBeGreaterThan(0);
    expect(recording.run().attempts[0]).toMatchObject({ status: 'completed', responseStatus: 200 });
    expect(recording.everything()).not.toContain('plum-question');
    expect(recording.everything()).not.toContain(text);
  });
});
