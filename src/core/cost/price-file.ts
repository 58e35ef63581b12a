import { TachographError } from '../error.ts';
import { priceToNanoUsd } from './money.ts';
import type {
  ModelPrices,
  PricePeriod,
  PriceReference,
  PriceTable,
  PriceTier,
  ProviderPrices,
  Rates,
} from './price-table.ts';
import { pieceBuckets, tokenBuckets } from './price-table.ts';

/*
 * A price file:
 *
 *   { "format": 1, "date": "2026-11-21", "providers": [
 *     { "id": "acme", "aliases": ["acme.*"], "cacheInsideInput": true, "reasoningInsideOutput": true, "models": [
 *       { "id": "acme-1", "aliases": [], "family": false, "prices": [
 *         { "from": "2026-01-01", "to": null, "input": "$3", "cachedInput": "$0.30", "output": "$15",
 *           "tiers": [{ "abovePromptTokens": 200000, "input": "$6", "output": "$22.50" }],
 *           "source": { "url": "https://acme.example/pricing", "stated": null, "read": "2026-11-21" } }] }] }] }
 *
 * Prices are for a million tokens, `request`, `webSearch` and `providerTool` for one: "$3.75", or whole nano-USD as a number.
 */

/** The format this version reads. */
export const priceFormat = 1;

const perMillion = 1_000_000;

interface Place {
  readonly file: string;
  readonly path: string;
}

const inside = (place: Place, key: string | number): Place => ({
  file: place.file,
  path: typeof key === 'number' ? `${place.path}[${key}]` : place.path === '' ? key : `${place.path}.${key}`,
});

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function refuse(place: Place, wanted: string, value: unknown): never {
  const where = place.path === '' ? 'the whole file' : place.path;
  throw new TachographError(
    'bad-argument',
    `The price file ${place.file} is not usable: ${where} must be ${wanted}, not ${shown(value)}.`,
  );
}

function refuseKey(place: Place, known: readonly string[]): never {
  throw new TachographError(
    'bad-argument',
    `The price file ${place.file} is not usable: ${place.path} is no known key; known here are ${known.join(', ')}.`,
  );
}

type Fields = Readonly<Record<string, unknown>>;

function readFields(place: Place, value: unknown, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(place, 'an object', value);
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) refuseKey(inside(place, key), known);
  }
  return value as Fields;
}

function readList<T>(place: Place, value: unknown, read: (place: Place, item: unknown) => T): T[] {
  if (!Array.isArray(value)) refuse(place, 'a list', value);
  return value.map((item, index) => read(inside(place, index), item));
}

function readText(place: Place, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '') refuse(place, 'a text that is not empty', value);
  return value.trim();
}

function readFlag(place: Place, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean') refuse(place, 'true or false', value);
  return value;
}

function readDate(place: Place, value: unknown): string {
  const wanted = 'a day such as "2026-11-21"';
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) refuse(place, wanted, value);
  const timeMs = Date.parse(`${value}T00:00:00Z`);
  if (Number.isNaN(timeMs) || !new Date(timeMs).toISOString().startsWith(value)) refuse(place, wanted, value);
  return value;
}

const readDay = (place: Place, value: unknown): number | null =>
  value === undefined || value === null ? null : Date.parse(`${readDate(place, value)}T00:00:00Z`);

/** `times`: how many of the file's unit make the million that a rate is for. */
function readPrice(place: Place, value: unknown, times: number): number {
  const nanoUsd = typeof value === 'string' ? priceToNanoUsd(value) : value;
  const rate = typeof nanoUsd === 'number' ? nanoUsd * times : Number.NaN;
  if (!Number.isSafeInteger(nanoUsd) || !Number.isSafeInteger(rate) || rate < 0)
    refuse(place, 'a price such as "$3.75", or whole nano-USD that are not negative', value);
  return rate;
}

function readRates(place: Place, fields: Fields): Rates {
  const rates: Record<string, number> = {};
  for (const bucket of tokenBuckets)
    if (fields[bucket] !== undefined) rates[bucket] = readPrice(inside(place, bucket), fields[bucket], 1);
  for (const bucket of pieceBuckets)
    if (fields[bucket] !== undefined) rates[bucket] = readPrice(inside(place, bucket), fields[bucket], perMillion);
  return rates;
}

const buckets = [...tokenBuckets, ...pieceBuckets];

function readTier(place: Place, value: unknown): PriceTier {
  const fields = readFields(place, value, ['abovePromptTokens', ...buckets]);
  const above = fields['abovePromptTokens'];
  if (!Number.isSafeInteger(above) || (above as number) <= 0)
    refuse(inside(place, 'abovePromptTokens'), 'a whole number of tokens above 0', above);
  return { abovePromptTokens: above as number, rates: readRates(place, fields) };
}

function readReference(place: Place, value: unknown): PriceReference {
  const fields = readFields(place, value, ['url', 'stated', 'read']);
  const { url, stated = null, read } = fields;
  if (typeof url !== 'string' || !URL.canParse(url)) refuse(inside(place, 'url'), 'a URL', url);
  return {
    url,
    stated: stated === null ? null : readDate(inside(place, 'stated'), stated),
    read: readDate(inside(place, 'read'), read),
  };
}

function readPeriod(place: Place, value: unknown): PricePeriod {
  const fields = readFields(place, value, ['from', 'to', 'included', 'tiers', 'source', ...buckets]);
  const fromMs = readDay(inside(place, 'from'), fields['from']);
  const toMs = readDay(inside(place, 'to'), fields['to']);
  if (fromMs !== null && toMs !== null && toMs <= fromMs) refuse(inside(place, 'to'), 'after "from"', fields['to']);
  const isIncluded = readFlag(inside(place, 'included'), fields['included'], false);
  const rates = readRates(place, fields);
  if (!isIncluded && Object.keys(rates).length === 0)
    refuse(place, `an object with a price (${buckets.join(', ')}) or "included": true`, value);
  const tiers = readList(inside(place, 'tiers'), fields['tiers'] ?? [], readTier);
  tiers.forEach((tier, index) => {
    if (index > 0 && tier.abovePromptTokens <= tiers[index - 1]!.abovePromptTokens)
      refuse(inside(inside(place, 'tiers'), index), 'above the tier before it', tier.abovePromptTokens);
  });
  const source = fields['source'] ?? null;
  const reference = source === null ? null : readReference(inside(place, 'source'), source);
  return { fromMs, toMs, isIncluded, rates, tiers, reference };
}

function checkOverlap(place: Place, periods: readonly PricePeriod[]): void {
  const sorted = [...periods].sort((a, b) => (a.fromMs ?? -Infinity) - (b.fromMs ?? -Infinity));
  sorted.forEach((period, index) => {
    const before = sorted[index - 1];
    if (before !== undefined && (before.toMs ?? Infinity) > (period.fromMs ?? -Infinity))
      refuse(place, 'a list of periods that do not overlap', `${periods.length} prices for the same time`);
  });
}

function readModel(place: Place, value: unknown): ModelPrices {
  const fields = readFields(place, value, ['id', 'aliases', 'family', 'prices']);
  const periods = readList(inside(place, 'prices'), fields['prices'], readPeriod);
  if (periods.length === 0) refuse(inside(place, 'prices'), 'a list with at least one price', fields['prices']);
  checkOverlap(inside(place, 'prices'), periods);
  return {
    id: readText(inside(place, 'id'), fields['id']),
    aliases: readList(inside(place, 'aliases'), fields['aliases'] ?? [], readText),
    isFamily: readFlag(inside(place, 'family'), fields['family'], false),
    periods,
  };
}

function checkUnique(place: Place, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids.map((each) => each.toLowerCase())) {
    if (seen.has(id)) refuse(place, 'a list in which every id and alias stands once', id);
    seen.add(id);
  }
}

function readProvider(place: Place, value: unknown): ProviderPrices {
  const known = ['id', 'aliases', 'cacheInsideInput', 'reasoningInsideOutput', 'models'];
  const fields = readFields(place, value, known);
  const models = readList(inside(place, 'models'), fields['models'] ?? [], readModel);
  checkUnique(
    inside(place, 'models'),
    models.flatMap(({ id, aliases }) => [id, ...aliases]),
  );
  return {
    id: readText(inside(place, 'id'), fields['id']),
    aliases: readList(inside(place, 'aliases'), fields['aliases'] ?? [], readText),
    isCacheInsideInput: readFlag(inside(place, 'cacheInsideInput'), fields['cacheInsideInput'], true),
    isReasoningInsideOutput: readFlag(inside(place, 'reasoningInsideOutput'), fields['reasoningInsideOutput'], true),
    models,
  };
}

/**
 * A price table from a parsed price file, read strictly: an unknown key, a wrong type, two prices for one moment are
 * `bad-argument` with the path of the value. `file` names it in the message.
 */
export function parsePriceFile(value: unknown, file: string, origin: PriceTable['origin']): PriceTable {
  const place: Place = { file, path: '' };
  const fields = readFields(place, value, ['format', 'date', 'providers']);
  if (fields['format'] !== priceFormat) refuse(inside(place, 'format'), String(priceFormat), fields['format']);
  const date = readDate(inside(place, 'date'), fields['date']);
  const providers = readList(inside(place, 'providers'), fields['providers'], readProvider);
  checkUnique(
    inside(place, 'providers'),
    providers.flatMap(({ id, aliases }) => [id, ...aliases]),
  );
  return { origin, date, providers };
}

/** A price table from the text of a price file; text that is no JSON is `bad-argument` too. */
export function parsePriceText(text: string, file: string, origin: PriceTable['origin']): PriceTable {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TachographError('bad-argument', `The price file ${file} is no JSON: ${why}.`, { cause: error });
  }
  return parsePriceFile(value, file, origin);
}
