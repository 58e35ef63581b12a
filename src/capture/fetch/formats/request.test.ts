import { describe, expect, test } from 'vitest';
import type { ExactJson } from '../../../core/record/recording.ts';
import { toFields } from './fields.ts';
import type { ParsedRequest } from './format.ts';
import { elementSlices, memberSlices, withoutMember } from './request/json-text.ts';
import { recogniseRequest } from './recognise.ts';
import { createSseReader } from '../body/sse.ts';

function parse(path: string, body: string): ParsedRequest {
  return recogniseRequest(path, body)!.parseRequest(body, path)!;
}

const texts = (list: readonly unknown[] | null): string[] => (list ?? []).map((item) => (item as ExactJson).text);
const roles = (request: ParsedRequest): unknown[] =>
  (request.messages ?? []).map((message) => toFields(message)!['role']);

describe('requests', () => {
  test('chat completions keep the exact text of messages and tools', () => {
    const message = '{"role":"user",  "content":"price 1.0, id 12345678901234567890"}';
    const tool = '{"type":"function","function":{"name":"f","parameters":{"b":1.0,"a":2}}}';
    const request = parse(
      '/v1/chat/completions',
      `{"model":"gpt-9","messages":[{"role":"system","content":"Be brief."},${message}],"tools":[${tool}],"max_completion_tokens":7,"temperature":0,"stream":true,"user":"u1","response_format":{"type":"json_schema","json_schema":{"name":"out","schema":{"type":"object"}}}}`,
    );
    expect(request).toMatchObject({ operation: 'stream', model: 'gpt-9' });
    expect(texts(request.messages)[1]).toBe(message);
    expect(roles(request)).toEqual(['system', 'user']);
    expect(texts(request.tools)).toEqual([tool]);
    expect(request.options).toEqual({
      maxOutputTokens: 7,
      temperature: 0,
      providerOptions: { user: 'u1' },
      responseFormat: { type: 'json_schema', name: 'out' },
      structuredOutput: true,
    });
    expect(request.request).toEqual({
      responseFormat: { type: 'json_schema', json_schema: { name: 'out', schema: { type: 'object' } } },
    });
  });

  test('messages: the system prompt comes first and cache marks stand beside the messages', () => {
    const request = parse(
      '/v1/messages',
      '{"model":"claude-9","max_tokens":9,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"cache_control":{"type":"ephemeral","ttl":"1h"},"type":"text","text":"a"},{"type":"text","text":"\\"cache_control\\":{}"}]}],"tools":[{"name":"t"}]}',
    );
    expect(texts(request.messages)).toEqual([
      '{"role":"system","content":[{"type":"text","text":"S"}]}',
      '{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"\\"cache_control\\":{}"}]}',
    ]);
    expect(request.marks).toEqual([
      { index: 0, value: { parts: { 0: { type: 'ephemeral' } } } },
      { index: 1, value: { parts: { 0: { type: 'ephemeral', ttl: '1h' } } } },
    ]);
  });

  test.each([
    ['/v1/messages', '{"model":"m","system":null,"messages":[{"role":"user","content":"a"}]}'],
    ['/v1/responses', '{"model":"m","instructions":null,"input":[{"role":"user","content":"a"}]}'],
    ['/v1/interactions', '{"model":"m","system_instruction":null,"input":[{"role":"user","content":"a"}]}'],
  ])('%s: a system prompt of null is none', (path, body) => {
    expect(texts(parse(path, body).messages)).toEqual(['{"role":"user","content":"a"}']);
  });

  test('a cache mark that wanders leaves the messages the same', () => {
    const bare = '{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"model":"m"}';
    const marked =
      '{"messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}],"model":"m"}';
    expect(texts(parse('/v1/messages', marked).messages)).toEqual(texts(parse('/v1/messages', bare).messages));
  });

  test('responses take instructions, text input and earlier answers', () => {
    const request = parse(
      '/v1/responses',
      '{"model":"gpt-9","instructions":"S","input":"hi","previous_response_id":"resp_1","reasoning":{"effort":"low"},"text":{"format":{"type":"json_schema","name":"o","schema":{}},"verbosity":"low"}}',
    );
    expect(texts(request.messages)).toEqual(['{"role":"system","content":"S"}', '{"role":"user","content":"hi"}']);
    expect(request.continues).toBe('resp_1');
    expect(request.options).toMatchObject({
      reasoning: { effort: 'low' },
      structuredOutput: true,
      providerOptions: { verbosity: 'low' },
    });
  });

  test('generateContent: model from the path, settings from the configuration', () => {
    const request = parse(
      '/v1beta/models/gemini-9:streamGenerateContent',
      '{"systemInstruction":{"parts":[{"text":"S"}]},"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"yo"}]}],"generationConfig":{"maxOutputTokens":5,"topK":3,"responseMimeType":"application/json","responseSchema":{"type":"OBJECT"}},"tools":[{"functionDeclarations":[]}]}',
    );
    expect(request).toMatchObject({ model: 'gemini-9', operation: 'stream' });
    expect(roles(request)).toEqual(['system', 'user', 'model']);
    expect(texts(request.messages)[0]).toBe('{"role":"system","parts":[{"text":"S"}]}');
    expect(request.options).toMatchObject({ maxOutputTokens: 5, topK: 3, structuredOutput: true });
    expect(request.request).toMatchObject({ responseFormat: { schema: { type: 'OBJECT' } } });
  });

  test.each([
    ['/v1/interactions', '{"model":"g","input":"hi"}', 'google-interactions'],
    ['/v1/embeddings', '{"model":"e","input":["a"]}', 'openai-embeddings'],
    ['/v1/completions', '{"model":"e","prompt":"a"}', 'openai-chat'],
    ['/openai/deployments/d/chat/completions', '{"messages":[]}', 'openai-chat'],
    [
      '/v1/projects/p/locations/l/publishers/anthropic/models/claude:rawPredict',
      '{"anthropic_version":"x","messages":[]}',
      'anthropic-messages',
    ],
    ['/model/anthropic.claude/invoke', '{"anthropic_version":"x","messages":[]}', 'anthropic-messages'],
  ])('%s %s is %s', (path, body, name) => {
    expect(recogniseRequest(path, body)?.name).toBe(name);
  });

  test.each(['', '{', '[]', '{"messages":[}', 'null', '{"messages":{"a":1},}', '{"a":"\\"}'])(
    'malformed %j is none and throws nothing',
    (body) => {
      expect(
        recogniseRequest('/v1/chat/completions', body)?.parseRequest(body, '/v1/chat/completions') ?? null,
      ).toBeNull();
    },
  );
});

describe('text of JSON', () => {
  const documents = [
    '{}',
    '{"a":1}',
    ' { "a" : [1, 2.0 , "x,]}" ] , "b":{"c":null} } ',
    '{"a":"\\\\","b":"\\\\\\""}',
    '{"a":true,"a":false}',
  ];

  test.each(documents)('members of %s', (text) => {
    const expected = JSON.parse(text) as Record<string, unknown>;
    const slices = memberSlices(text)!;
    expect(
      Object.fromEntries(
        [...slices].map(([key, { start, end }]) => [key, JSON.parse(text.slice(start, end)) as unknown]),
      ),
    ).toEqual(expected);
  });

  test('elements', () => {
    const text = '[ 1,"a,]",{"b":[2]}, [ ] ]';
    expect(elementSlices(text)!.map(({ start, end }) => text.slice(start, end))).toEqual([
      '1',
      '"a,]"',
      '{"b":[2]}',
      '[ ]',
    ]);
    expect(elementSlices('[]')).toEqual([]);
    expect(elementSlices('[1')).toBeNull();
  });

  test.each([
    ['{"a":1,"x":2}', '{"a":1}'],
    ['{"x":2,"a":1}', '{"a":1}'],
    ['{"x":2}', '{}'],
    ['{"a":1 , "x" : {"y":[]} , "b":3}', '{"a":1 , "b":3}'],
  ])('%s without x', (text, expected) => {
    const result = withoutMember(text, { start: 0, end: text.length }, 'x')!.text;
    expect(JSON.parse(result)).toEqual(JSON.parse(expected));
  });
});

describe('server-sent events', () => {
  const stream = ': hello\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\ndata: x\n\n\ndata: last';

  test.each([1, 2, 3, 5, 1000])('are the same in pieces of %i', (size) => {
    const events: unknown[] = [];
    const reader = createSseReader((data, name) => void events.push([data, name]));
    for (let at = 0; at < stream.length; at += size) reader.push(stream.slice(at, at + size));
    reader.end();
    expect(events).toEqual([
      ['1\n2', 'a'],
      ['x', null],
      ['last', null],
    ]);
  });
});
