import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpusFolder, hasCorpus } from '../../../../test/playback/corpus.ts';
import type { Fields } from './fields.ts';
import { recogniseRequest, recogniseResponse } from './recognise.ts';

const fold = (body: Fields): ReturnType<NonNullable<ReturnType<typeof recogniseResponse>>['foldResponse']> =>
  recogniseResponse(body)!.foldResponse(body);

describe.skipIf(!hasCorpus)('recorded pictures and sound', () => {
  test.each(['openai/transcription/openai-transcription.json', 'mistral/mistral-transcription.json'])(
    '%s is its text',
    (name) => {
      const body = JSON.parse(readFileSync(join(corpusFolder, name), 'utf8')) as Fields;
      expect(recogniseResponse(body)?.name).toBe('openai-media');
      expect(fold(body)).toMatchObject({
        parts: [{ type: 'text', text: body['text'] }],
        isFinished: true,
        error: null,
      });
    },
  );

  test('pictures are told by number, their bytes stay in the body', () => {
    const body = JSON.parse(readFileSync(join(corpusFolder, 'openai/image/openai-image.json'), 'utf8')) as Fields;
    const { parts } = fold(body);
    expect(parts).toHaveLength((body['data'] as unknown[]).length);
    expect(JSON.stringify(parts).length).toBeLessThan(5000);
  });
});

describe('pictures and sound', () => {
  test('requests name what is asked for', () => {
    const sent = '{"model":"gpt-image-9","prompt":"an otter","size":"1024x1024"}';
    const format = recogniseRequest('/v1/images/generations', sent)!;
    expect(format.parseRequest(sent, '/v1/images/generations')).toMatchObject({
      operation: 'image',
      model: 'gpt-image-9',
      request: { prompt: 'an otter' },
      options: { providerOptions: { size: '1024x1024' } },
    });
    const spoken = '{"model":"tts-9","input":"hello","voice":"coral"}';
    expect(recogniseRequest('/v1/audio/speech', spoken)!.parseRequest(spoken, '/v1/audio/speech')).toMatchObject({
      operation: 'speech',
      request: { prompt: 'hello' },
    });
  });

  test('a streamed transcript is its words, once', () => {
    const first = { type: 'transcript.text.delta', delta: 'hel' };
    const folded = recogniseResponse(first)!.foldStream();
    const done = {
      type: 'transcript.text.done',
      text: 'hello',
      usage: { type: 'tokens', input_tokens: 3, output_tokens: 1 },
    };
    for (const event of [first, { type: 'transcript.text.delta', delta: 'lo' }, done]) folded.push(event);
    expect(folded.answer()).toMatchObject({
      parts: [{ type: 'text', text: 'hello' }],
      isFinished: true,
      usage: { input: { total: 3 }, output: { total: 1 } },
    });
  });

  test('a picture that comes in parts is told when it is done', () => {
    const partial = { type: 'image_generation.partial_image', b64_json: 'AA==' };
    const folded = recogniseResponse(partial)!.foldStream();
    folded.push(partial);
    expect(folded.answer()).toMatchObject({ parts: [], isFinished: false });
    folded.push({ type: 'image_generation.completed', b64_json: 'AAAA', usage: { input_tokens: 5, output_tokens: 9 } });
    expect(folded.answer()).toMatchObject({ parts: [{ type: 'file', mediaType: 'image/png' }], isFinished: true });
  });

  test('other answers with a text are not taken for transcripts', () => {
    for (const body of [{ text: 'x' }, { text: 'x', choices: [], usage: {} }, { data: [{ id: 1 }], created: 1 }])
      expect(recogniseResponse(body)?.name).not.toBe('openai-media');
  });
});
