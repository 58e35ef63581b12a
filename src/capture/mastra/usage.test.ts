import { expect, test } from 'vitest';
import { callUsageToUsage, spanUsageToUsage } from './usage.ts';

test('tokens of a call: the provider layer’s own counts, and cache writes by lifetime', () => {
  const raw = { input_tokens: 3 };
  const usage = {
    inputTokens: 100,
    raw: {
      inputTokens: { total: 100, noCache: 30, cacheRead: 50, cacheWrite: 20 },
      outputTokens: { total: 9, text: 4, reasoning: 5 },
      raw,
    },
  };
  const anthropic = { usage: { cache_creation: { ephemeral_5m_input_tokens: 15, ephemeral_1h_input_tokens: 5 } } };
  const read = callUsageToUsage(usage, { anthropic });
  expect(read.usage).toEqual({
    input: { total: 100, noCache: 30, cacheRead: 50, cacheWrite: 20, cacheWriteFiveMinutes: 15, cacheWriteOneHour: 5 },
    output: { total: 9, text: 4, reasoning: 5 },
    requests: 1,
  });
  expect(read.raw).toBe(raw);
});

test('flat counts, of which nothing is computed', () => {
  const { usage } = callUsageToUsage({ inputTokens: 10, outputTokens: 4, cachedInputTokens: 6 }, undefined);
  expect(usage).toMatchObject({
    input: { total: 10, noCache: null, cacheRead: 6, cacheWrite: null },
    output: { total: 4, text: null, reasoning: null },
  });
});

test.each([undefined, null, {}, { raw: {} }, { inputTokens: 'many' }])(
  'nothing reported is unknown, not 0: %j',
  (value) => {
    expect(callUsageToUsage(value, undefined).usage).toBeNull();
    expect(spanUsageToUsage(value)).toBeNull();
  },
);

test('tokens of a span: what Mastra computes of counts that nobody reported stays unknown', () => {
  expect(spanUsageToUsage({ inputTokens: 10, inputDetails: { text: 10 }, outputDetails: { text: 4 } })).toMatchObject({
    input: { total: 10, noCache: null },
    output: { total: null, text: null },
  });
  const details = { text: 5, cacheRead: 2, cacheWrite: 3, cacheWrite5m: 2, cacheWrite1h: 1 };
  expect(spanUsageToUsage({ inputTokens: 10, inputDetails: details })?.input).toEqual({
    total: 10,
    noCache: 5,
    cacheRead: 2,
    cacheWrite: 3,
    cacheWriteFiveMinutes: 2,
    cacheWriteOneHour: 1,
  });
});
