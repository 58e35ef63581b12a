import { describe, expect, test } from 'vitest';
import { toFailure, toRetryClass } from './failure.ts';
import { createRecall } from '../recall.ts';
import { joinPrompt, partMarks, partToolMarks, toOptions, toRequest } from './request.ts';
import { embeddingUsageToUsage, modelUsageToUsage, resultUsageToUsage } from './usage.ts';

describe('usage', () => {
  test('what was not reported is null, never 0 (I12)', () => {
    const usage = modelUsageToUsage({
      inputTokens: { total: 10, noCache: undefined, cacheRead: 0, cacheWrite: undefined },
      outputTokens: { total: Number.NaN, text: undefined, reasoning: 4 },
    });
    expect(usage).toEqual({
      input: {
        total: 10,
        noCache: null,
        cacheRead: 0,
        cacheWrite: null,
        cacheWriteFiveMinutes: null,
        cacheWriteOneHour: null,
      },
      output: { total: null, text: null, reasoning: 4 },
      requests: 1,
    });
    const cached = modelUsageToUsage({ inputTokens: { cacheRead: 4 }, outputTokens: { text: 2 } });
    expect(cached).toMatchObject({ input: { total: null, cacheRead: 4 }, output: { text: 2, reasoning: null } });
    expect(modelUsageToUsage({ inputTokens: {}, outputTokens: {} })?.input.cacheRead).toBeNull();
    expect(modelUsageToUsage(undefined)).toBeNull();
  });

  test('the lifetime split of cache writes comes from the raw usage', () => {
    const raw = { cache_creation: { ephemeral_5m_input_tokens: 7, ephemeral_1h_input_tokens: 9 } };
    const usage = modelUsageToUsage({ inputTokens: { cacheWrite: 16 }, outputTokens: {}, raw });
    expect(usage?.input).toMatchObject({ cacheWrite: 16, cacheWriteFiveMinutes: 7, cacheWriteOneHour: 9 });
  });

  test('the flat form of version 2 models', () => {
    const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15, reasoningTokens: 1, cachedInputTokens: 3 };
    expect(modelUsageToUsage(usage)).toMatchObject({
      input: { total: 10, cacheRead: 3, cacheWrite: null },
      output: { total: 5, reasoning: 1, text: null },
    });
    expect(modelUsageToUsage({ inputTokens: undefined, outputTokens: undefined })?.input.total).toBeNull();
  });

  test('the flat form and the embedding form', () => {
    const flat = {
      inputTokens: 5,
      inputTokenDetails: { cacheReadTokens: 2 },
      outputTokens: 3,
      outputTokenDetails: { reasoningTokens: 1 },
    };
    expect(resultUsageToUsage(flat)).toMatchObject({
      input: { total: 5, cacheRead: 2, noCache: null },
      output: { total: 3, reasoning: 1 },
    });
    expect(embeddingUsageToUsage({ tokens: 8 })?.input.total).toBe(8);
    expect(embeddingUsageToUsage({ tokens: Number.NaN })).toBeNull();
  });
});

describe('failures', () => {
  const api = (fields: object): Error => Object.assign(new Error('failed'), { name: 'AI_APICallError' }, fields);
  test.each([
    [api({ statusCode: 429, isRetryable: true }), 'rate-limit'],
    [api({ statusCode: 529, isRetryable: true }), 'overloaded'],
    [api({ statusCode: 503, isRetryable: true }), 'overloaded'],
    [api({ statusCode: 500, isRetryable: true }), 'server'],
    [api({ statusCode: 408, isRetryable: true }), 'timeout'],
    [api({ statusCode: 409, isRetryable: true }), 'other'],
    [api({ statusCode: 400, isRetryable: false }), null],
    [api({ isRetryable: true }), 'network'],
    [new DOMException('late', 'TimeoutError'), 'timeout'],
    [new DOMException('stop', 'AbortError'), null],
    ['a string', null],
  ])('retry class of %s is %s', (error, expected) => {
    expect(toRetryClass(error)).toBe(expected);
  });

  test('a retry error takes status and retryability of its last failure', () => {
    const last = api({ statusCode: 529, isRetryable: true });
    const error = Object.assign(new Error('Failed after 3 attempts.'), { name: 'AI_RetryError', lastError: last });
    expect(toFailure(error, false)).toMatchObject({
      name: 'AI_RetryError',
      message: 'Failed after 3 attempts.',
      statusCode: 529,
      isRetryable: true,
      cause: last,
    });
    const plain = new Error('plain');
    expect(toFailure(plain, false)).toBe(plain);
  });

  test('withheld, nothing of its words is left', () => {
    const error = api({ statusCode: 400, responseBody: 'secret words', cause: new Error('secret words') });
    error.message = 'secret words';
    const shown = toFailure(error, true) as Error;
    expect(shown).toMatchObject({ name: 'AI_APICallError', message: 'withheld', statusCode: 400 });
    expect(JSON.stringify(shown) + shown.message + String(shown.cause)).not.toContain('secret');
  });
});

describe('requests', () => {
  test('only options that were given, and no schema twice', () => {
    const schema = { type: 'object' };
    const asked = {
      settings: { temperature: 0, seed: undefined },
      toolChoice: { type: 'auto' },
      responseFormat: { type: 'json', name: 'n', schema },
      providerOptions: {},
    };
    expect(toOptions(asked)).toEqual({
      temperature: 0,
      toolChoice: { type: 'auto' },
      responseFormat: { type: 'json', name: 'n' },
      structuredOutput: true,
    });
    expect(toRequest(asked.responseFormat)).toEqual({ responseFormat: { type: 'json', name: 'n', schema } });
    expect(toRequest({ type: 'text' })).toBeUndefined();
  });

  test('cache marks are taken off, so that a wandering mark makes no new content', () => {
    const bare = { role: 'user', content: [{ type: 'text', text: 'hi' }] };
    const mark = { anthropic: { cacheControl: { type: 'ephemeral' } } };
    const onMessage = partMarks([{ ...bare, providerOptions: mark }]);
    expect(JSON.stringify(onMessage.messages)).toBe(JSON.stringify([bare]));
    expect(onMessage.marks).toEqual([{ index: 0, value: { message: mark } }]);
    const onPart = partMarks([
      bare,
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b', providerOptions: { ...mark, openai: { x: 1 } } },
        ],
      },
    ]);
    expect(onPart.messages[1]).toEqual({
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b', providerOptions: { openai: { x: 1 } } },
      ],
    });
    expect(onPart.marks).toEqual([{ index: 1, value: { parts: { 1: mark } } }]);
    const none = [bare];
    expect(partMarks(none).messages).toBe(none);
  });

  test('marks are taken off the results of tools, and off tools', () => {
    const mark = { anthropic: { cacheControl: { type: 'ephemeral' } } };
    const result = (marks: { result?: object; part?: object }) => ({
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'c1',
          output: {
            type: 'content',
            ...(marks.result === undefined ? {} : { providerOptions: marks.result }),
            value: [{ type: 'text', text: 'a', ...(marks.part === undefined ? {} : { providerOptions: marks.part }) }],
          },
        },
      ],
    });
    const parted = partMarks([result({ result: mark, part: mark })]);
    expect(parted.messages).toEqual([result({})]);
    expect(parted.marks).toEqual([
      { index: 0, value: { parts: { 0: { output: { result: mark, parts: { 0: mark } } } } } },
    ]);
    const tool = { type: 'function', name: 'look', inputSchema: {} };
    expect(partToolMarks([tool, { ...tool, providerOptions: mark }])).toEqual({
      tools: [tool, tool],
      marks: [{ index: 1, value: mark }],
    });
    const none = [tool];
    expect(partToolMarks(none).tools).toBe(none);
  });

  test('provider options are counted', () => {
    const providerOptions = { openai: { store: false, user: 'u' }, anthropic: { effort: 'low' } };
    expect(toOptions({ settings: {}, providerOptions })).toEqual({ providerOptions, providerOptionCount: 3 });
  });

  test('instructions come first', () => {
    const system = { role: 'system', content: 'b' };
    expect(joinPrompt('a', [{ role: 'user' }])).toEqual([{ role: 'system', content: 'a' }, { role: 'user' }]);
    expect(joinPrompt([system], [])).toEqual([system]);
    expect(joinPrompt(undefined, undefined)).toEqual([]);
  });
});

describe('recall', () => {
  const convert = (texts: readonly string[]) =>
    texts.map((text) => ({ role: 'user', content: [{ type: 'text', text }], providerOptions: undefined }));

  test('equal values get the identity they had, new and changed ones keep theirs', () => {
    const recall = createRecall();
    const key = {};
    const first = recall.of(key, convert(['a', 'b']));
    const grown = convert(['a', 'x', 'c']);
    const second = recall.of(key, grown);
    expect(second[0]).toBe(first[0]);
    expect(second[1]).toBe(grown[1]);
    expect(second[2]).toBe(grown[2]);
  });

  test('bytes, dates and the like are never taken for equal', () => {
    const recall = createRecall();
    const key = {};
    recall.of(key, [{ data: new Uint8Array([1]) }, { at: new Date(0) }]);
    const next = [{ data: new Uint8Array([2]) }, { at: new Date(1) }];
    expect(recall.of(key, next)).toEqual(next);
  });

  test('without a key the values come back as they are', () => {
    const list = convert(['a']);
    expect(createRecall().of(null, list)).toBe(list);
  });
});
