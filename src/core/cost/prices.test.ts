import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Usage } from '../model/usage.ts';
import { toUsage } from '../model/usage.ts';
import { divideHalfEven } from './money.ts';
import { parsePriceFile } from './price-file.ts';
import type { Prices } from './prices.ts';
import { createPrices } from './prices.ts';
import { reportedCost } from './reported.ts';
import { shippedPrices } from './shipped.ts';

const all = {
  input: '$3',
  cachedInput: '$0.30',
  cacheWrite5m: '$3.75',
  cacheWrite1h: '$6',
  output: '$15',
  reasoning: '$20',
  audioInput: '$10',
  audioOutput: '$40',
  imageOutput: '$60',
  request: '$0.005',
  webSearch: '$0.01',
};

function pricesOf(price: object, provider: object = {}): Prices {
  const providers = [{ id: 'acme', models: [{ id: 'm', prices: [price] }], ...provider }];
  return createPrices([parsePriceFile({ format: 1, date: '2026-11-21', providers }, 'test', 'price-table')]);
}

const call = (usage: Usage | null, usageRaw: unknown = undefined) => ({
  provider: 'acme',
  model: 'm',
  timeMs: Date.UTC(2026, 10, 21),
  usage,
  usageRaw,
});

const costOf = (price: object, usage: Usage | null, usageRaw: unknown = undefined): number | string =>
  pricesOf(price).estimate(call(usage, usageRaw)).nanoUsd ?? pricesOf(price).estimate(call(usage, usageRaw)).reason!;

describe('an estimate', () => {
  test('says what it is made of', () => {
    const prices = pricesOf({ input: '$3', output: '$15' });
    expect(prices.version).toMatch(/^2026-11-21\+[0-9a-f]{12}$/);
    expect(prices.estimate(call(toUsage({ total: 10 }, { total: 2 })))).toEqual({
      nanoUsd: 60_000,
      status: 'estimated',
      source: 'price-table',
      table: prices.version,
      reason: null,
    });
  });

  test('charges each bucket at its own price', () => {
    const usage = toUsage(
      {
        total: 10_000,
        noCache: 1_000,
        cacheRead: 5_000,
        cacheWrite: 4_000,
        cacheWriteFiveMinutes: 1_500,
        cacheWriteOneHour: 2_500,
      },
      { total: 900, text: 200, reasoning: 700 },
    );
    const tokens = 1_000 * 3_000 + 5_000 * 300 + 1_500 * 3_750 + 2_500 * 6_000 + 200 * 15_000 + 700 * 20_000;
    expect(costOf(all, usage)).toBe(tokens + 5_000_000);
    expect(costOf(all, usage, { server_tool_use: { web_search_requests: 3 } })).toBe(tokens + 35_000_000);
  });

  test('reasoning costs what output costs where it is not priced apart', () => {
    const usage = toUsage({ total: 0 }, { total: 900, text: 200, reasoning: 700 });
    expect(costOf({ input: '$3', output: '$15' }, usage)).toBe(900 * 15_000);
  });

  test('takes audio and image tokens out of the totals they are part of', () => {
    const raw = {
      prompt_tokens_details: { audio_tokens: 40 },
      completion_tokens_details: { audio_tokens: 30, image_tokens: 20 },
    };
    const usage = toUsage({ total: 100 }, { total: 70 });
    expect(costOf(all, usage, raw)).toBe(
      60 * 3_000 + 40 * 10_000 + 20 * 15_000 + 30 * 40_000 + 20 * 60_000 + 5_000_000,
    );
    const google = {
      promptTokensDetails: [
        { modality: 'AUDIO', tokenCount: 40 },
        { modality: 'TEXT', tokenCount: 60 },
      ],
    };
    expect(costOf(all, toUsage({ total: 100 }, { total: 0 }), google)).toBe(60 * 3_000 + 40 * 10_000 + 5_000_000);
  });

  test('goes by the size of the whole prompt, cache included', () => {
    const price = {
      input: '$1',
      cachedInput: '$0.10',
      output: '$2',
      tiers: [{ abovePromptTokens: 1000, input: '$3', output: '$4' }],
    };
    expect(costOf(price, toUsage({ total: 1000 }, { total: 1 }))).toBe(1000 * 1000 + 2000);
    expect(costOf(price, toUsage({ total: 1001 }, { total: 1 }))).toBe(1001 * 3000 + 4000);
    expect(costOf(price, toUsage({ total: 1001, noCache: 1, cacheRead: 1000 }, { total: 1 }))).toBe('bucket-unpriced');
  });

  test('an embedding sells no output', () => {
    expect(costOf({ input: '$0.02' }, toUsage({ total: 12 }, {}))).toBe(12 * 20);
    expect(costOf({ input: '$0.02' }, toUsage({ total: 12 }, { total: 1 }))).toBe('bucket-unpriced');
  });

  test('a subscription costs nothing more, whatever was used', () => {
    expect(pricesOf({ included: true }).estimate(call(null))).toMatchObject({ nanoUsd: 0, status: 'included' });
  });

  test('rounds once, half to even', () => {
    const price = { input: 500_000, output: 500_000 };
    expect(costOf(price, toUsage({ total: 1 }, { total: 0 }))).toBe(0);
    expect(costOf(price, toUsage({ total: 1 }, { total: 1 }))).toBe(1);
    expect(costOf(price, toUsage({ total: 1 }, { total: 2 }))).toBe(2);
    expect(costOf(price, toUsage({ total: 2 }, { total: 3 }))).toBe(2);
  });
});

describe('unknown, never a part of the sum (I12)', () => {
  const two = { input: '$3', output: '$15' };
  const whole = toUsage({ total: 10 }, { total: 2 });
  test.each<[string, object, Usage | null, unknown, string]>([
    ['no usage', two, null, undefined, 'usage-missing'],
    ['no input count', two, toUsage({ cacheRead: 0 }, { total: 2 }), undefined, 'usage-missing'],
    ['no output count', two, toUsage({ total: 10 }, {}), undefined, 'usage-missing'],
    [
      'a cache read without a price',
      two,
      toUsage({ total: 10, cacheRead: 1 }, { total: 2 }),
      undefined,
      'bucket-unpriced',
    ],
    ['output without a price', { input: '$3' }, whole, undefined, 'bucket-unpriced'],
    ['a search without a price', two, whole, { server_tool_use: { web_search_requests: 1 } }, 'bucket-unpriced'],
    ['a provider tool without a price', two, whole, { num_server_side_tools_used: 1 }, 'bucket-unpriced'],
    ['audio without a price', two, whole, { prompt_tokens_details: { audio_tokens: 1 } }, 'bucket-unpriced'],
    [
      'cached audio',
      all,
      toUsage({ total: 9, cacheRead: 5 }, { total: 2 }),
      { prompt_tokens_details: { audio_tokens: 1 } },
      'bucket-unpriced',
    ],
    [
      'writes of untold lifetime at two prices',
      all,
      toUsage({ total: 9, cacheWrite: 4 }, { total: 2 }),
      undefined,
      'bucket-unpriced',
    ],
    [
      'an adviser inside',
      two,
      whole,
      { iterations: [{ type: 'message' }, { type: 'advisor_message' }] },
      'usage-mixed',
    ],
    ['a batch', two, whole, { service_tier: 'batch' }, 'rate-special'],
    ['reserved capacity', two, whole, { trafficType: 'PROVISIONED_THROUGHPUT' }, 'rate-special'],
    ['a region with a surcharge', two, whole, { inference_geo: 'us' }, 'rate-special'],
    [
      'more cached than there was',
      two,
      toUsage({ total: 10, cacheRead: 11 }, { total: 2 }),
      undefined,
      'usage-inconsistent',
    ],
    ['a negative count', two, toUsage({ total: -10 }, { total: 2 }), undefined, 'usage-inconsistent'],
    ['half a token', two, toUsage({ total: 1.5 }, { total: 2 }), undefined, 'usage-inconsistent'],
    [
      'more written than was written',
      all,
      toUsage({ total: 9, cacheWrite: 1, cacheWriteOneHour: 2 }, { total: 2 }),
      undefined,
      'usage-inconsistent',
    ],
    ['more audio than input', all, whole, { prompt_tokens_details: { audio_tokens: 11 } }, 'usage-inconsistent'],
    ['no count of requests', { ...two, request: '$1' }, { ...whole, requests: null }, undefined, 'usage-missing'],
  ])('%s', (_name, price, usage, raw, reason) => expect(costOf(price, usage, raw)).toBe(reason));

  test('a provider, a model, a time without a price', () => {
    const prices = pricesOf({ ...two, from: '2026-01-01' });
    expect(prices.estimate({ ...call(whole), provider: 'other' }).reason).toBe('provider-unpriced');
    expect(prices.estimate({ ...call(whole), provider: null }).reason).toBe('provider-unpriced');
    expect(prices.estimate({ ...call(whole), model: 'n' }).reason).toBe('model-unpriced');
    expect(prices.estimate({ ...call(whole), model: null }).reason).toBe('model-unpriced');
    expect(prices.estimate({ ...call(whole), timeMs: Date.UTC(2025, 0, 1) })).toMatchObject({
      nanoUsd: null,
      status: 'unknown',
      source: 'none',
      table: prices.version,
      reason: 'time-unpriced',
    });
  });

  test('writes of untold lifetime cost what both lifetimes cost, when that is the same', () => {
    const price = { ...two, cacheWrite5m: '$4', cacheWrite1h: '$4' };
    expect(costOf(price, toUsage({ total: 9, cacheWrite: 4 }, { total: 2 }))).toBe(5 * 3_000 + 4 * 4_000 + 2 * 15_000);
  });
});

const count = fc.nat({ max: 5_000_000 });
const rate = fc.nat({ max: 200_000_000_000 });
const counts = fc.record({ fresh: count, read: count, five: count, hour: count, text: count, thought: count });
const rates = fc.record({
  input: rate,
  cachedInput: rate,
  cacheWrite5m: rate,
  cacheWrite1h: rate,
  output: rate,
  reasoning: rate,
});
type Counts = typeof counts extends fc.Arbitrary<infer T> ? T : never;

const splitUsage = ({ fresh, read, five, hour, text, thought }: Counts): Usage =>
  toUsage(
    {
      total: fresh + read + five + hour,
      noCache: fresh,
      cacheRead: read,
      cacheWrite: five + hour,
      cacheWriteFiveMinutes: five,
      cacheWriteOneHour: hour,
    },
    { total: text + thought, text, reasoning: thought },
  );

describe('for any usage and any prices', () => {
  test('the cost is the exact sum over the buckets, rounded once', () => {
    fc.assert(
      fc.property(counts, rates, (used, price) => {
        const lines: [number, number][] = [
          [used.fresh, price.input],
          [used.read, price.cachedInput],
          [used.five, price.cacheWrite5m],
          [used.hour, price.cacheWrite1h],
          [used.text, price.output],
          [used.thought, price.reasoning],
        ];
        const sum = lines.reduce((total, [tokens, nanoUsd]) => total + BigInt(tokens) * BigInt(nanoUsd), 0n);
        expect(costOf(price, splitUsage(used))).toBe(Number(divideHalfEven(sum, 1_000_000n)));
      }),
    );
  });

  test('more of anything never costs less', () => {
    const key = fc.constantFrom<keyof Counts>('fresh', 'read', 'five', 'hour', 'text', 'thought');
    fc.assert(
      fc.property(counts, rates, key, fc.nat({ max: 1_000_000 }), (used, price, more, added) => {
        const before = costOf(price, splitUsage(used)) as number;
        expect(costOf(price, splitUsage({ ...used, [more]: used[more] + added })) as number).toBeGreaterThanOrEqual(
          before,
        );
      }),
    );
  });

  test('no token is counted twice, whichever way the provider counts its totals', () => {
    fc.assert(
      fc.property(counts, rates, fc.boolean(), (used, price, isInside) => {
        const cached = used.read + used.five + used.hour;
        const bare = toUsage(
          {
            total: isInside ? used.fresh + cached : used.fresh,
            cacheRead: used.read,
            cacheWrite: used.five + used.hour,
            cacheWriteFiveMinutes: used.five,
            cacheWriteOneHour: used.hour,
          },
          { total: isInside ? used.text + used.thought : used.text, reasoning: used.thought },
        );
        const prices = pricesOf(price, { cacheInsideInput: isInside, reasoningInsideOutput: isInside });
        expect(prices.estimate(call(bare)).nanoUsd).toBe(costOf(price, splitUsage(used)));
      }),
    );
  });

  test('at one price for all buckets a call costs its tokens, however they are spread', () => {
    fc.assert(
      fc.property(counts, rate, (used, one) => {
        const price = { input: one, cachedInput: one, cacheWrite5m: one, cacheWrite1h: one, output: one };
        const tokens = Object.values(used).reduce((sum, each) => sum + each, 0);
        expect(costOf(price, splitUsage(used))).toBe(Number(divideHalfEven(BigInt(tokens) * BigInt(one), 1_000_000n)));
      }),
    );
  });

  test('without the price of any one used bucket it is unknown', () => {
    const bucket = fc.constantFrom('input', 'cachedInput', 'cacheWrite5m', 'cacheWrite1h', 'output');
    fc.assert(
      fc.property(counts, rates, bucket, (used, price, missing) => {
        const usedAll = Object.fromEntries(Object.entries(used).map(([key, tokens]) => [key, tokens + 1])) as Counts;
        const { [missing as 'input']: _left, ...rest } = price;
        expect(costOf(rest, splitUsage(usedAll))).toBe('bucket-unpriced');
      }),
    );
  });
});

describe('the version', () => {
  const versionOf = (price: object): string => pricesOf(price).version;

  test('is the same for the same prices, whatever their source, and another for others', () => {
    const price = { input: '$3' };
    expect(versionOf({ ...price, source: { url: 'https://a.example', read: '2026-11-21' } })).toBe(
      versionOf({ ...price, source: { url: 'https://b.example', read: '2026-11-20' } }),
    );
    expect(versionOf(price)).not.toBe(versionOf({ input: '$3.01' }));
    expect(versionOf(price)).not.toBe(versionOf({ ...price, to: '2027-01-01' }));
  });

  test('has the newest day of its tables', () => {
    const own = parsePriceFile({ format: 1, date: '2027-03-01', providers: [] }, 'test', 'user-override');
    expect(createPrices([own, shippedPrices()]).version).toMatch(/^2027-03-01\+/);
  });
});

test('every shipped price names its source and the day it was read', () => {
  const periods = shippedPrices().providers.flatMap(({ models }) => models.flatMap((model) => model.periods));
  expect(periods.length).toBeGreaterThan(90);
  for (const { reference } of periods) expect(reference).toMatchObject({ read: '2026-11-21', url: /^https:/ });
});

describe('what a provider said itself', () => {
  const byok = { cost: 0.001, is_byok: true };
  test.each<[unknown, unknown, number | null]>([
    [{ cost_in_usd_ticks: 1_721_250 }, undefined, 172_125],
    [{ cost_in_usd_ticks: 123_455 }, undefined, 12_346],
    [{ cost_in_usd_ticks: 123_445 }, undefined, 12_344],
    [{ cost: 0.00014 }, undefined, 140_000],
    [{ cost: 0 }, undefined, 0],
    [byok, undefined, null],
    [{ ...byok, cost_details: { upstream_inference_cost: 0.02 } }, undefined, 21_000_000],
    [{ cost: { total_cost: 0.006, request_cost: 0.005 } }, undefined, 6_000_000],
    [undefined, { providerMetadata: { openrouter: { usage: { cost: 0.0001 } } } }, 100_000],
    [undefined, { providerMetadata: { gateway: { cost: '0.0045' } } }, 4_500_000],
    [{ cost: -1 }, undefined, null],
    [{ cost: 'free' }, undefined, null],
    [{ prompt_tokens: 1 }, { providerMetadata: {} }, null],
    [null, null, null],
    [[], 'x', null],
  ])('%j %j', (raw, metadata, expected) => {
    const cost = reportedCost(raw, metadata);
    expect(cost).toEqual(
      expected === null ? null : { nanoUsd: expected, status: 'actual', source: 'provider-response' },
    );
  });
});
