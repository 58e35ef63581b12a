import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPrices } from '../core/cost/prices.ts';
import { shippedPrices } from '../core/cost/shipped.ts';
import { toUsage } from '../core/model/usage.ts';
import { readPrices } from './prices.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'prices-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const own = {
  format: 1,
  date: '2026-11-20',
  providers: [
    { id: 'openai', aliases: ['azure'], models: [{ id: 'gpt-5', prices: [{ input: '$1', output: '$1' }] }] },
    { id: 'lmstudio', models: [{ id: 'local', family: true, prices: [{ included: true }] }] },
  ],
};
const call = (provider: string, model: string) => ({
  provider,
  model,
  timeMs: Date.UTC(2026, 10, 21),
  usage: toUsage({ total: 1000 }, { total: 1000 }),
  usageRaw: undefined,
});

test('without a file the shipped table is in force', () => {
  expect(readPrices(home, '').version).toBe(createPrices([shippedPrices()]).version);
});

test('the file in the home is laid over the shipped table', () => {
  writeFileSync(join(home, 'prices.json'), JSON.stringify(own));
  const prices = readPrices(home, undefined);
  expect(prices.version).not.toBe(createPrices([shippedPrices()]).version);
  expect(prices.estimate(call('openai', 'gpt-5'))).toMatchObject({ nanoUsd: 2_000_000, source: 'user-override' });
  expect(prices.estimate(call('openai', 'gpt-5-mini'))).toMatchObject({ nanoUsd: 2_250_000, source: 'price-table' });
  expect(prices.estimate(call('azure', 'gpt-5-mini'))).toMatchObject({ nanoUsd: 2_250_000 });
  expect(prices.estimate(call('lmstudio', 'local-7b'))).toMatchObject({ nanoUsd: 0, status: 'included' });
});

test('a file that is named wins over the one in the home, and must be there', () => {
  writeFileSync(join(home, 'prices.json'), '{');
  const named = join(home, 'mine.json');
  writeFileSync(named, JSON.stringify(own));
  expect(readPrices(home, named).estimate(call('openai', 'gpt-5')).source).toBe('user-override');
  expect(() => readPrices(home, join(home, 'none.json'))).toThrow(
    /none\.json, which TACHOGRAPH_PRICES names, cannot be read: ENOENT/,
  );
});

test('a file that is not usable is refused by its path and that of the value', () => {
  const file = join(home, 'prices.json');
  writeFileSync(
    file,
    JSON.stringify({ ...own, providers: [{ id: 'a', models: [{ id: 'm', prices: [{ input: 3.5 }] }] }] }),
  );
  expect(() => readPrices(home, undefined)).toThrow(
    `The price file ${file} is not usable: providers[0].models[0].prices[0].input must be a price`,
  );
  rmSync(file);
  mkdirSync(file);
  expect(() => readPrices(home, undefined)).toThrow(/prices\.json cannot be read: EISDIR/);
});
