import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAnswerReader } from '../body/answer-reader.ts';
import type { Fields } from './fields.ts';
import { elementSlices, memberSlices } from './request/json-text.ts';
import { recogniseRequest, recogniseResponse, wireFormats } from './recognise.ts';

const keys = [
  ...[
    'type',
    'object',
    'model',
    'id',
    'index',
    'choices',
    'delta',
    'message',
    'content',
    'tool_calls',
    'function',
    'arguments',
  ],
  ...[
    'usage',
    'error',
    'candidates',
    'parts',
    'functionCall',
    'partialArgs',
    'jsonPath',
    'usageMetadata',
    'content_block',
    'item',
  ],
  ...[
    'response',
    'output',
    'output_index',
    'interaction',
    'event_type',
    'step',
    'steps',
    'iterations',
    'stop_reason',
    'data',
    'text',
  ],
];
const words = [
  ...[
    'message',
    'message_start',
    'content_block_start',
    'content_block_delta',
    'message_delta',
    'error',
    'response.completed',
  ],
  ...[
    'response.output_item.done',
    'response.output_text.delta',
    'function_call',
    'tool_use',
    'input_json_delta',
    'step.start',
    'step.delta',
  ],
  ...['interaction.completed', '$.a[0].b', '$.__proto__.x', 'chat.completion', 'list'],
];

/** JSON that looks like an answer and is none. */
const nearly = fc.letrec<{ value: unknown; fields: Fields }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...words),
    fc.constantFrom(null, true, 0, -1, 1e21, ''),
    tie('fields'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
  fields: fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 6 }),
})).fields;

describe('what is no answer', () => {
  test('is folded without a throw, whole and as a stream', () => {
    fc.assert(
      fc.property(fc.array(nearly, { maxLength: 6 }), (events) => {
        for (const format of wireFormats) {
          const fold = format.foldStream();
          for (const event of events) fold.push(event);
          JSON.stringify(fold.answer());
          for (const event of events) JSON.stringify(format.foldResponse(event));
        }
        for (const event of events) recogniseResponse(event);
      }),
      { numRuns: 500, seed: 7 },
    );
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('is parsed as a request without a throw', () => {
    const paths = [
      '/v1/chat/completions',
      '/v1/messages',
      '/v1/responses',
      '/v1beta/models/g:generateContent',
      '/v1/interactions',
      '/v1/embeddings',
    ];
    const bodyKeys = [
      'messages',
      'contents',
      'input',
      'system',
      'instructions',
      'tools',
      'model',
      'stream',
      'response_format',
      'generationConfig',
      'text',
      'cache_control',
    ];
    const body = fc.dictionary(
      fc.constantFrom(...bodyKeys),
      fc.oneof(nearly, fc.array(nearly, { maxLength: 3 }), fc.string()),
    );
    fc.assert(
      fc.property(body, fc.constantFrom(...paths), fc.nat(), (value, path, cut) => {
        const text = JSON.stringify(value);
        recogniseRequest(path, text)?.parseRequest(text, path);
        const broken = text.slice(0, cut % (text.length + 1));
        recogniseRequest(path, broken)?.parseRequest(broken, path);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  test('is read as bytes without a throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('event-stream', 'json', 'other'),
        (bytes, kind) => {
          const reader = createAnswerReader({ kind, format: null, isRead: true, nowMs: () => 0 });
          reader.chunk(bytes);
          reader.end();
          reader.answer();
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  test('slices of JSON are those that parsing finds', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => !/["\\\u0000-\u001f\ud800-\udfff]/.test(key)),
          fc.jsonValue(),
        ),
        fc.constantFrom(0, 2),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          const found = [...memberSlices(text)!].map(([key, { start, end }]) => [
            key,
            JSON.parse(text.slice(start, end)) as unknown,
          ]);
          expect(found).toEqual(Object.entries(JSON.parse(text) as Fields));
          const list = JSON.stringify(Object.values(value), null, indent);
          expect(elementSlices(list)!.map(({ start, end }) => JSON.parse(list.slice(start, end)) as unknown)).toEqual(
            JSON.parse(list),
          );
        },
      ),
      { numRuns: 500, seed: 7 },
    );
  });
});
