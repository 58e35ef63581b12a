import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parsePriceFile, parsePriceText } from './price-file.ts';
import { createPrices } from './prices.ts';
import { toUsage } from '../model/usage.ts';

const price = { input: '$3', output: '$15' };
const fileOf = (prices: unknown, model: object = {}, provider: object = {}): unknown => ({
  format: 1,
  date: '2026-11-21',
  providers: [{ id: 'acme', models: [{ id: 'acme-1', prices, ...model }], ...provider }],
});
const read = (value: unknown) => parsePriceFile(value, 'prices.json', 'user-override');

test('dollars and whole nano-USD are the same; pieces are kept by the million', () => {
  const table = read(fileOf([{ input: '$3', cachedInput: 300_000_000, webSearch: '$0.01', request: 5 }]));
  expect(table.providers[0]!.models[0]!.periods[0]!.rates).toEqual({
    input: 3_000_000_000,
    cachedInput: 300_000_000,
    webSearch: 10_000_000_000_000,
    request: 5_000_000,
  });
  expect(table).toMatchObject({ origin: 'user-override', date: '2026-11-21' });
});

test('what is left out has the usual meaning', () => {
  expect(read(fileOf([price])).providers[0]).toMatchObject({
    aliases: [],
    isCacheInsideInput: true,
    isReasoningInsideOutput: true,
    models: [{ aliases: [], isFamily: false, periods: [{ fromMs: null, toMs: null, isIncluded: false, tiers: [] }] }],
  });
});

const first = 'providers[0].models[0].prices';
const long = { abovePromptTokens: 200_000, input: '$6' };

describe('a bad value is refused with its path', () => {
  test.each<[unknown, string]>([
    [[], 'the whole file must be an object, not []'],
    [{ format: 2, date: '2026-11-21', providers: [] }, 'format must be 1, not 2'],
    [{ format: 1, date: 'today', providers: [] }, 'date must be a day such as "2026-11-21", not "today"'],
    [{ format: 1, date: '2026-02-30', providers: [] }, 'date must be a day'],
    [{ format: 1, date: '2026-11-21' }, 'providers must be a list, not nothing'],
    [
      { format: 1, date: '2026-11-21', providers: [], currency: 'EUR' },
      'currency is no known key; known here are format, date, providers.',
    ],
    [{ format: 1, date: '2026-11-21', providers: [{ models: [] }] }, 'providers[0].id must be a text'],
    [fileOf([price], {}, { aliases: ['acme'] }), 'providers must be a list in which every id and alias stands once'],
    [fileOf([price], { aliases: ['Acme-1'] }), 'providers[0].models must be a list in which every id and alias stands'],
    [fileOf([price], { family: 'yes' }), 'providers[0].models[0].family must be true or false, not "yes"'],
    [fileOf([]), `${first} must be a list with at least one price, not []`],
    [fileOf([{}]), `${first}[0] must be an object with a price`],
    [fileOf([{ ouput: '$3' }]), `${first}[0].ouput is no known key; known here are from, to, included`],
    [fileOf([{ input: '3' }]), `${first}[0].input must be a price such as "$3.75", or whole nano-USD`],
    [fileOf([{ input: -1 }]), `${first}[0].input must be a price`],
    [fileOf([{ input: 1.5 }]), `${first}[0].input must be a price`],
    [fileOf([{ input: null }]), `${first}[0].input must be a price`],
    [fileOf([{ webSearch: 9e15 }]), `${first}[0].webSearch must be a price`],
    [fileOf([{ ...price, from: '2026-02-01', to: '2026-02-01' }]), `${first}[0].to must be after "from"`],
    [fileOf([price, { ...price, from: '2026-01-01' }]), `${first} must be a list of periods that do not overlap`],
    [fileOf([{ ...price, tiers: [{ input: '$6' }] }]), `${first}[0].tiers[0].abovePromptTokens must be a whole number`],
    [fileOf([{ ...price, tiers: [long, long] }]), `${first}[0].tiers[1] must be above the tier before it`],
    [fileOf([{ ...price, source: { url: 'there' } }]), `${first}[0].source.url must be a URL`],
    [fileOf([{ ...price, source: { url: 'https://a.example' } }]), `${first}[0].source.read must be a day`],
  ])('%j', (value, message) => {
    expect(() => read(value)).toThrow(`The price file prices.json is not usable: ${message}`);
    expect(() => read(value)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  });

  test('text that is no JSON', () => {
    expect(() => parsePriceText('{"format": 1,', '/home/me/prices.json', 'user-override')).toThrow(
      /^The price file \/home\/me\/prices\.json is no JSON: /,
    );
  });
});

test('periods that touch do not overlap, in whichever order they stand', () => {
  const periods = [
    { ...price, from: '2026-01-01' },
    { ...price, to: '2026-01-01' },
  ];
  expect(read(fileOf(periods)).providers[0]!.models[0]!.periods).toHaveLength(2);
});

test('the example of the guide is a price file, and does what the guide says', () => {
  const guide = readFileSync(new URL('../../../docs/guides/cost.md', import.meta.url), 'utf8');
  const [, example] = /```json\n(.*?)```/su.exec(guide)!;
  const prices = createPrices([parsePriceText(example!, 'prices.json', 'user-override')]);
  const usage = toUsage({ total: 1_000_000 }, { total: 0 });
  const estimate = (provider: string, model: string, day: string): unknown => {
    const { nanoUsd, status } = prices.estimate({ provider, model, timeMs: Date.parse(day), usage, usageRaw: null });
    return [nanoUsd, status];
  };
  expect(estimate('azure', 'gpt-5', '2026-12-31')).toEqual([1_100_000_000, 'estimated']);
  expect(estimate('azure', 'gpt-5', '2027-01-01')).toEqual([1_000_000_000, 'estimated']);
  expect(estimate('acme', 'acme-large-2', '2026-12-31')).toEqual([6_000_000_000, 'estimated']);
  expect(estimate('acme', 'acme-flat', '2026-12-31')).toEqual([0, 'included']);
});
