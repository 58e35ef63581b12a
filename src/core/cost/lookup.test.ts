import { describe, expect, test } from 'vitest';
import { findPrice, periodAt } from './lookup.ts';
import { parsePriceFile } from './price-file.ts';
import type { PriceTable } from './price-table.ts';
import { shippedPrices } from './shipped.ts';

const prices = [{ input: '$1' }];

function tableOf(origin: PriceTable['origin'], providers: unknown[]): PriceTable {
  return parsePriceFile({ format: 1, date: '2026-11-21', providers }, 'test', origin);
}

const table = tableOf('price-table', [
  {
    id: 'acme',
    aliases: ['acme.*'],
    models: [
      { id: 'one', prices },
      { id: 'one-mini', prices },
      { id: 'one-2026-05-01', prices },
      { id: 'two', family: true, prices },
      { id: 'two-fast', family: true, aliases: ['swift'], prices },
    ],
  },
  { id: 'acme-cloud', models: [{ id: 'one', prices }] },
]);

const find = (provider: string, model: string, tables: readonly PriceTable[] = [table]): string | null => {
  const found = findPrice(tables, provider, model);
  return found === null ? null : `${found.provider.id}/${found.model.id}`;
};

describe('a model is found by', () => {
  test.each([
    ['acme', 'one', 'acme/one'],
    ['Acme', 'ONE', 'acme/one'],
    ['acme.chat', 'one', 'acme/one'],
    ['acme', 'one-2025-08-07', 'acme/one'],
    ['acme', 'one-20250807', 'acme/one'],
    ['acme', 'one@20250807', 'acme/one'],
    ['acme', 'one-mini-2025-08-07', 'acme/one-mini'],
    ['acme', 'one-2026-05-01', 'acme/one-2026-05-01'],
    ['acme', 'two-large', 'acme/two'],
    ['acme', 'two:free', 'acme/two'],
    ['acme', 'two-fast-reasoning', 'acme/two-fast'],
    ['acme', 'swift', 'acme/two-fast'],
    ['acme-cloud', 'one', 'acme-cloud/one'],
  ])('%s %s', (provider, model, expected) => expect(find(provider, model)).toBe(expected));
});

describe('nothing is guessed', () => {
  test.each([
    ['acme', 'one-large'],
    ['acme', 'one-2025-13-07'],
    ['acme', 'one-2025-0807'],
    ['acme', 'one-0807'],
    ['acme', 'two.5'],
    ['acme', 'two-'],
    ['acme', 'twofold'],
    ['acme', 'on'],
    ['acme', ''],
    ['acm', 'one'],
    ['acme-cloud', 'two'],
    ['acmes', 'one'],
  ])('%s %s', (provider, model) => expect(find(provider, model)).toBeNull());

  test.each([
    ['openai', 'gpt-5-turbo'],
    ['openai', 'gpt-5.9'],
    ['anthropic', 'claude-opus-4-9'],
    ['anthropic', 'claude-opus-4-5-fast'],
    ['google', 'gemini-2.5-flash-image'],
    ['xai', 'grok-4.20-0309-reasoning'],
    ['azure', 'gpt-5'],
    ['google-vertex', 'gemini-2.5-pro'],
    ['google.vertex.chat', 'gemini-2.5-pro'],
  ])('in the shipped table: %s %s', (provider, model) => expect(find(provider, model, [shippedPrices()])).toBeNull());
});

describe('two tables', () => {
  const own = tableOf('user-override', [
    { id: 'acme', aliases: ['gate'], models: [{ id: 'one', family: true, prices: [{ input: '$9' }] }] },
    { id: 'new', models: [{ id: 'x', prices }] },
  ]);
  const tables = [own, table];

  test('the earlier one wins, and the later one serves the rest', () => {
    expect(findPrice(tables, 'acme', 'one-mini')).toMatchObject({ origin: 'user-override', model: { id: 'one' } });
    expect(findPrice(tables, 'acme', 'two')).toMatchObject({ origin: 'price-table' });
    expect(find('new', 'x', tables)).toBe('new/x');
  });

  test('a name given to a provider in one holds in both', () => {
    expect(find('gate', 'two', tables)).toBe('acme/two');
    expect(find('acme.chat', 'one', tables)).toBe('acme/one');
  });
});

test('a price has its time: from its day on, up to but not on its last', () => {
  const at = (day: string): number => Date.parse(`${day}T00:00:00Z`);
  const { model } = findPrice([shippedPrices()], 'anthropic', 'claude-sonnet-5-5')!;
  expect(periodAt(model, at('2026-10-07') - 1)!.rates.cachedInput).toBe(200_000_000);
  expect(periodAt(model, at('2026-10-07'))!.rates.cachedInput).toBe(100_000_000);
  const deepseek = findPrice([shippedPrices()], 'deepseek', 'deepseek-chat')!.model;
  expect(periodAt(deepseek, at('2025-11-30'))).toBeNull();
  expect(periodAt(deepseek, at('2026-04-24'))).toBeNull();
});
