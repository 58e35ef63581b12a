import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';
import { describe, expect, test } from 'vitest';
import { chatAnswer, chatPath, isSettled, until } from '../../../test/playback/loopback.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createRecording } from '../../../test/playback/recording.ts';
import { openHttpStage } from '../../../test/playback/stage.ts';
import { createAiSdkCapture } from '../ai-sdk/index.ts';
import { recordingFetch } from './index.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const { origin, handlers, capture, undo } = await openHttpStage();

describe('with the SDK', () => {
  const both = (): Recording => {
    const recording = capture();
    undo.push(createAiSdkCapture({ recorder: recording.recorder }).install());
    return recording;
  };

  test('429, 429, 200 inside generateText: three attempts of one step, each with its wire truth', async () => {
    let tries = 0;
    handlers[chatPath] = (_request, response) => {
      tries += 1;
      if (tries < 3)
        response
          .writeHead(429, { 'content-type': 'application/json', 'retry-after-ms': '1' })
          .end('{"error":{"message":"slow","type":"t","code":"c","param":null}}');
      else response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'r3' }).end(chatAnswer('ok'));
    };
    const recording = both();
    const openai = createOpenAI({ baseURL: `${origin}/v1`, apiKey: 'sk-hidden-key-000000' });
    const { text } = await generateText({ model: openai.chat('gpt-9'), prompt: 'hello' });
    expect(text).toBe('ok');
    const { run, steps, attempts } = recording.run();
    expect(run.capture).toBe('ai-sdk');
    expect([steps.length, attempts.length]).toEqual([1, 3]);
    expect(attempts.map(({ responseStatus, status }) => [responseStatus, status])).toEqual([
      [429, 'failed'],
      [429, 'failed'],
      [200, 'completed'],
    ]);
    expect(attempts[2]).toMatchObject({ providerRequestId: 'r3', path: chatPath, method: 'POST' });
    expect(attempts.every(({ requestBody }) => requestBody !== null && requestBody.bytes! > 0)).toBe(true);
    expect(recording.everything()).not.toContain('sk-hidden');
  });

  test('a stream is one attempt with its bytes, and 64 at once stay apart', async () => {
    handlers['/v1/messages'] = (_request, response, body) => {
      const word = (JSON.parse(body) as { messages: { content: { text: string }[] }[] }).messages[0]!.content[0]!.text;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const events = [
        {
          type: 'message_start',
          message: {
            id: `msg_${word}`,
            type: 'message',
            role: 'assistant',
            model: 'claude-9',
            content: [],
            stop_reason: null,
            usage: { input_tokens: 3, output_tokens: 1 },
          },
        },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: `echo ${word}` } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
        { type: 'message_stop' },
      ];
      for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      response.end();
    };
    const recording = both();
    const anthropic = createAnthropic({ baseURL: `${origin}/v1`, apiKey: 'sk-hidden-key-000000' });
    await Promise.all(
      Array.from({ length: 64 }, async (_, index) => {
        const result = streamText({ model: anthropic('claude-9'), prompt: `w${index}` });
        let text = '';
        for await (const piece of result.textStream) text += piece;
        expect(text).toBe(`echo w${index}`);
      }),
    );
    await until(isSettled(recording));
    expect(recording.runs()).toHaveLength(64);
    for (const { steps, attempts } of recording.runs()) {
      expect([steps.length, attempts.length]).toEqual([1, 1]);
      const word = (recording.messages(steps[0]!)[0] as { content: { text: string }[] }).content[0]!.text;
      const { contentId } = attempts[0]!.responseBody!;
      expect(Buffer.from(recording.contents().find(({ id }) => id === contentId)!.bytes).toString()).toContain(
        `echo ${word}"`,
      );
      expect(attempts[0]!.status).toBe('completed');
    }
  });

  test('the fetch option of a client alone is enough for raw steps', async () => {
    handlers[chatPath] = (_request, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(chatAnswer('ok'));
    const recording = createRecording();
    const openai = createOpenAI({
      baseURL: `${origin}/v1`,
      apiKey: 'sk-hidden-key-000000',
      fetch: recordingFetch(recording.recorder),
    });
    await generateText({ model: openai.chat('gpt-9'), prompt: 'hello', maxRetries: 0 });
    const { steps, attempts } = recording.run();
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    expect(steps[0]).toMatchObject({ status: 'completed', model: 'gpt-9-served' });
  });
});
